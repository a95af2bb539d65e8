"""What an alarm means is measured."""

import pytest

from benchmarks import quiet
from benchmarks.alarms import Cell, _targets, measure
from benchmarks.peer_rules import PEERS


@pytest.mark.parametrize("null", ["independent", "autocorrelated", "season"])
def test_the_benchmark_of_alarms_counts_what_is_opened_and_what_is_found(null: str) -> None:
    """Two versions say nothing of the rate; that each shift is looked for, by ours and by all others, they do."""
    cells = [Cell(null, 50, 200, 2, 1, is_hourly=hourly) for hourly in (False, True)]

    results = [result for cell in cells for result in measure(cell)]

    alerts = [one for one in results if one["measure"] == "alerts a month"]
    found = [one for one in results if one["measure"] == "found"]
    assert [one["looks"] for one in alerts] == ["daily", "hourly"]
    assert all(float(one["low"]) <= float(one["alerts"]) <= float(one["high"]) for one in alerts)
    assert len({(one["moved"], one["by"]) for one in found}) == len(found) == 9
    assert all(0.0 <= float(one[name]) <= 1.0 for one in found for name in ("driftline", "with_floor", *PEERS))
    assert max(float(one["driftline"]) for one in found) > 0.0
    assert [one.value is not None for one in _targets(results)] == [True] * 5


def test_a_quiet_month_is_replayed_through_everything_that_judges() -> None:
    """One version says nothing of the rate; that its month was judged, the count by signal does."""
    found = quiet.alarms_of(quiet.Cell("season", 300, 1, 0))

    assert found.total() <= 2
