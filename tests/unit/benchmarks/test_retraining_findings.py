"""What is reported of policies is what they cost, and promises are held against the right means."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import retrain
from benchmarks.retraining.findings import OURS, best_fixed, by_stream, comparisons, games, policies, targets
from benchmarks.retraining.further import FURTHER
from benchmarks.retraining.oracle import COSTS, oracle, play
from benchmarks.retraining.policies import regret, schedules
from benchmarks.retraining.policies.schedules import HINDSIGHT
from benchmarks.retraining.scores import STARTS, Score, scores
from benchmarks.retraining.streams import DEVELOPMENT, REPORTED, Stream
from benchmarks.retraining.tables import Tables
from tests.unit.benchmarks.hand_made import WINDOW, ageing, tables

AGEING = tables(ageing(a_period=0.02))


def stream(name: str = "made", *, drifts: bool = True) -> Stream:
    return Stream(name=name, read=lambda _folder: AGEING.periods, window=WINDOW, drifts=drifts)


SCORED = scores(stream(), AGEING, [schedules.NEVER, schedules.every(5), regret.SKI_RENTAL])


def figures(policy: str, above: float, *, of: Stream, setting: str = "prompt", retrains: float = 0.0) -> Score:
    """Return a score that is the same from every start at every cost."""
    full = np.ones((len(STARTS), len(COSTS)))
    return Score(
        stream=of, setting=setting, policy=policy, above=above * full, retrains=retrains * full, training=10 * full
    )


def test_a_score_is_what_the_game_costs_above_the_oracle() -> None:
    by_name = {score.policy: score for score in SCORED}
    every = by_name["every 5"]
    for at, cost in enumerate(COSTS):
        played, best = play(AGEING.losses, range(WINDOW + 5, 60, 5)), oracle(AGEING.losses, cost)
        assert every.above[0, at] == pytest.approx(played.above(best, cost))
    assert every.retrains[0] == pytest.approx(100 * 11 / 58)
    assert every.above.shape == (len(STARTS), len(COSTS))
    assert (by_name["never"].retrains == 0).all()


def test_a_later_start_is_a_game_of_its_own() -> None:
    """Its oracle begins with the later version too: never is ever less above it, the shorter the game."""
    never = SCORED[0].above[:, 0]

    assert (np.diff(never) < 0).all()
    assert never[1] == pytest.approx(scores(stream(), AGEING, [schedules.NEVER])[0].above[1, 0])


def test_nothing_beats_the_oracle_and_the_best_period_in_hindsight_beats_every_period() -> None:
    assert [score.policy for score in SCORED][-1] == HINDSIGHT
    for score in SCORED:
        assert (score.above >= -1e-9).all()
    assert (SCORED[-1].above <= SCORED[1].above + 1e-9).all()
    assert (SCORED[-1].above <= SCORED[0].above + 1e-9).all()


def test_challengers_cost_their_share_of_a_swap_in_every_period() -> None:
    never, _every, rental, _hindsight = SCORED
    best = [oracle(AGEING.losses, cost).cost(cost) for cost in COSTS]
    paid = np.mean([100 * 0.1 * cost * 57 / least for cost, least in zip(COSTS, best, strict=True)])

    assert rental.with_training(0.1) == pytest.approx(rental.above[0].mean() + paid)
    assert never.with_training(0.1) == never.above[0].mean()


DRIFTING, OTHER, STILL, SEA = stream("a"), stream("b"), stream("c", drifts=False), stream("sea", drifts=False)
TOLD = [
    *(
        figures(OURS, above, of=of, retrains=retrains)
        for of, above, retrains in ((DRIFTING, 4.0, 3.0), (OTHER, 12.0, 5.0), (STILL, 1.0, 0.0), (SEA, 2.0, 0.4))
    ),
    *(
        figures("every 5", above, of=of, retrains=20.0)
        for of, above in ((DRIFTING, 5.0), (OTHER, 15.0), (STILL, 50.0), (SEA, 60.0))
    ),
    *(figures("every 2", 90.0, of=of) for of in (DRIFTING, OTHER, STILL, SEA)),
    *(figures(HINDSIGHT, 1.0, of=of) for of in (DRIFTING, OTHER, STILL, SEA)),
]


def test_streams_that_drift_are_told_apart_from_those_that_do_not() -> None:
    ours = policies(TOLD)[0]

    assert ours["policy"] == OURS
    assert (ours["drifting"], ours["worst"], ours["still"]) == (8.0, 12.0, 1.5)
    assert ours["drifting_and_sea"] == 6.0
    assert ours["retrains_drifting"] == 4.0
    assert ours["retrains_still"] == pytest.approx(0.2)
    assert ours["training_at_0.05"] == pytest.approx(8.5)
    assert by_stream(TOLD)[0] == {
        "measure": "per cent above the oracle, prompt", "policy": OURS, "a": 4.0, "b": 12.0, "c": 1.0, "sea": 2.0,
    }  # fmt: skip
    assert len(games(TOLD)) == len(TOLD)


def test_targets_are_held_against_drifting_means_and_the_best_that_one_could_have_chosen() -> None:
    held = {target.name: target for target in targets(TOLD)}

    assert {name: target.value for name, target in held.items()} == {
        "mean over drifting streams, prompt": 8.0,
        "worst drifting stream, prompt": 12.0,
        "mean over streams without drift, prompt": 1.5,
        "retrains without drift, prompt": pytest.approx(0.2),
        "lead over the best other policy, prompt": -2.0,
    }
    assert not held["retrains without drift, prompt"].holds
    assert sum(target.holds for target in held.values()) == 4


def test_late_actuals_have_targets_of_their_own() -> None:
    held = {target.name: target.target for target in targets([replace(score, setting="late") for score in TOLD])}

    assert held == {
        "mean over drifting streams, late": 11.0,
        "retrains without drift, late": 0.3,
        "lead over the best other policy, late": 0.0,
    }


def test_what_was_not_measured_does_not_hold() -> None:
    """Without ours, and with streams of one kind only, no promise is kept by silence."""
    for some in (SCORED, [score for score in TOLD if not score.stream.drifts]):
        for target in targets(some):
            assert target.value is not None or not target.holds
    assert not any(target.holds for target in targets(SCORED))


def test_ours_is_compared_stream_by_stream() -> None:
    every, worse, hindsight = comparisons(TOLD)

    assert (every["policy"], worse["policy"], hindsight["policy"]) == ("every 5", "every 2", HINDSIGHT)
    # Of -3 and -1: 12.706 standard errors of 1 to either side, by a table of Student's t with one degree of freedom.
    assert every["difference"] == -2.0
    assert (every["low"], every["high"]) == pytest.approx((-14.706, 10.706), abs=1e-3)
    assert every["better_on"] == "2 of 2"
    assert hindsight["better_on"] == "0 of 2"
    assert every["difference_from_four"] == -2.0
    assert comparisons(SCORED) == []


def test_an_interval_of_few_streams_covers_the_mean_as_often_as_it_says() -> None:
    """Of five streams 95 in 100; the middle of means that are drawn anew from the five would hold about 84."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(400):
        pairs = [(stream(str(at)), value) for at, value in enumerate(rng.standard_normal(5))]
        told = [figures(OURS, value, of=of) for of, value in pairs] + [figures("never", 0.0, of=of) for of, _ in pairs]
        line = comparisons(told)[0]
        covered += float(line["low"]) <= 0 <= float(line["high"])

    assert 368 <= covered <= 392


def test_one_stream_has_no_interval() -> None:
    only = [score for score in TOLD if score.stream == next(one.stream for one in TOLD if one.stream.drifts)]

    line = comparisons(only)[0]

    assert "difference" in line
    assert not {"low", "high"} & set(line)


def test_the_best_fixed_period_is_one_for_all_streams() -> None:
    assert [(line["policy"], line["drifting"]) for line in best_fixed(TOLD)] == [("every 5", 10.0)]


@pytest.mark.parametrize(
    ("options", "expected"), [((), REPORTED), (("--development",), DEVELOPMENT), (("--further",), FURTHER)]
)
def test_a_run_ends_with_its_line(
    options: tuple[str, ...],
    expected: tuple[Stream, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without options it is the streams that are promised of."""
    asked: list[Stream] = []

    def played(streams: Iterable[Stream], _folder: Path, *, processes: int) -> Iterator[tuple[Stream, Tables]]:
        assert processes == 1
        asked.extend(streams)
        yield stream(), AGEING

    monkeypatch.setattr(retrain, "played", played)
    monkeypatch.setattr(retrain, "RULES", (schedules.NEVER, schedules.every(5)))
    monkeypatch.setattr(sys, "argv", ["retrain", *options])

    retrain.main()

    printed = capsys.readouterr().out.splitlines()
    report = json.loads(printed[-1])
    assert asked == list(expected)
    assert len(printed) > 10
    assert {line["measure"] for line in report["results"]} == {
        "oracle", "policy on a stream", "policies, prompt", "per cent above the oracle, prompt", "best fixed period",
    }  # fmt: skip
    assert report["targets"]


def test_what_is_reported_was_not_made_up() -> None:
    assert len(REPORTED) == 10
    assert not any(one.is_generated for one in REPORTED)
