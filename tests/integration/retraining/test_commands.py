"""Deciding, replaying and promoting on the command line, of a model whose periods are stored."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from shared import documents
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.hours import Hour
from shared.registry.store import Registry
from shared.retrain_config import Loss
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.period_store import PeriodStore
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.integration.command_line import environment_of, run
from tests.integration.models import registered
from tests.storage import running_azurite

MODEL = "priced"
FIRST = Hour.parse("2026-03-02T00")
ASKED = Compared(version="3", asked=100, disagreement=1.0)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own: deciding goes through every model there is."""
    with running_azurite(tmp_path_factory.mktemp("commands")) as connection:
        yield connection


@pytest.fixture(scope="module")
async def environment(azurite: str) -> AsyncIterator[dict[str, str]]:
    """A champion ``1`` whose answers are off by 2 for four days, and a version ``3`` that is off by 1 from the second on."""
    blobs = Blobs(service(azurite))
    await blobs.create_containers()
    registry = Registry(blobs, Clock.standing(FIRST.start))
    for version in ("1", "3"):
        made = registered(MODEL, version)
        await registry.register(made.manifest, files=made.files)
    await registry.promote(MODEL, "1", alias="champion")
    for day in range(4):
        await PeriodStore(blobs).store(_day(day, measured=day > 0))
    # A replay knows nothing of it, and misses nothing there.
    await PeriodStore(blobs).store(
        msgspec.structs.replace(
            _day(4, measured=False), rows=0, mean=None, standard_error=None, compared=(ASKED,), is_settled=False
        )
    )
    await documents.swap(blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before=FIRST.plus(96).key))
    yield environment_of(azurite)
    await blobs.close()


def _day(day: int, *, measured: bool) -> PeriodLosses:
    beside = Compared(version="3", asked=100, rows=100, loss=1.0, gap=1.0, gap_error=0.1, disagreement=1.0)
    first = FIRST.plus(24 * day)
    return PeriodLosses(
        model=MODEL,
        start=first.key,
        end=first.plus(24).key,
        champion="1",
        loss=Loss.ABSOLUTE_ERROR,
        most_rows=2_000,
        predictions=100,
        rows=100,
        mean=2.0,
        standard_error=0.1,
        compared=(beside,) if measured else (),
        inputs={},
    )


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "monitor.yaml").write_text("retrain_cost: 150\n")
    return f"--config={tmp_path}/monitor.yaml"


def test_a_replay_says_what_policies_would_have_done_and_cost(environment: dict[str, str], config: str) -> None:
    replay = ("backtest", f"--model={MODEL}", "--retraining", config)

    code, out, error = run(environment, *replay, "--json")
    shown = run(environment, *replay)
    later = run(environment, *replay, "--from=2026-03-04T00", "--json")

    assert code == 0, error
    answer = json.loads(out)
    assert (answer["periods"], answer["unknown"], answer["retrain_cost"], answer["borrowed"]) == (4, 0, 1.5, 1)
    by_name = {one["policy"]: one for one in answer["policies"]}
    # Without a measurement of the first day, 3 is as bad as the champion there; whoever takes it then has it on the second.
    assert by_name["never"]["cost"] == 8.0
    assert by_name["best in hindsight"]["cost"] == 2 + 3 + 1.5
    assert by_name["ours"]["cost"] == 2 * 3 + 1 + 1.5
    assert by_name["ours"]["swaps"] == {"2026-03-05T00": "3"}
    assert shown[0] == 0, shown[2]
    assert "4 periods from 2026-03-02T00 to 2026-03-05T00; a retrain costs 1.5" in shown[1]
    assert "accrued regret" in shown[1]
    assert json.loads(later[1])["periods"] == 2


def test_what_cannot_be_replayed_is_told_in_a_sentence(environment: dict[str, str], config: str) -> None:
    for arguments, says in (
        ((f"--model={MODEL}", "--retraining"), "no retrain is priced: write retrain_cost"),
        (
            (f"--model={MODEL}", "--retraining", config, "--from=2027-01-01T00"),
            "no period of priced with actuals is stored",
        ),
        ((f"--model={MODEL}",), "--version, --from and --to are needed"),
        (("--model=trains", "--retraining", config), "trains"),
    ):
        code, _, why = run(environment, "backtest", *arguments)

        assert code == 1
        assert says in why
        assert "Traceback" not in why


def test_a_decision_is_made_now_and_shown_with_its_reasons(environment: dict[str, str]) -> None:
    code, out, error = run(environment, "decide", MODEL, "--json")
    shown = run(environment, "decide")
    unknown = run(environment, "decide", "trains")

    assert code == 0, error
    (decision,) = json.loads(out)["decisions"]
    assert (decision["model"], decision["champion"], decision["verdict"]) == (MODEL, "1", "keep")
    assert decision["would_change_it"].startswith("retrain_cost in the model's monitor.yaml")
    assert shown[0] == 0, shown[2]
    assert "priced 1, after the period from 2026-03-05T00 to 2026-03-06T00: KEEP" in shown[1]
    assert "- no retrain_cost is stated" in shown[1]
    assert unknown[0] == 1
    assert "Traceback" not in unknown[2]


def test_promoting_says_how_sure_it_is_that_the_new_version_is_better(environment: dict[str, str]) -> None:
    told = run(environment, "promote", MODEL, "3")
    back = json.loads(run(environment, "promote", MODEL, "1", "--json")[1])
    again = json.loads(run(environment, "promote", MODEL, "3", "--as", "challenger", "--json")[1])

    assert told[0] == 0, told[2]
    assert "champion of priced is 3" in told[1]
    assert "on the same 300 rows of 3 periods 3 lost 1 ± 0.058 less than 1, which lost 2: 100.0% sure" in told[1]
    assert back["comparison"] is None, "1 was never measured beside 3"
    assert (again["comparison"]["gap"], again["comparison"]["rows"]) == (1.0, 300)


def test_what_is_stored_of_a_period_is_read_back() -> None:
    one = _day(1, measured=True)

    assert documents.decode(documents.encode(one), PeriodLosses, path="p") == one
    assert msgspec.json.decode(documents.encode(one))["compared"][0]["gap"] == 1.0
