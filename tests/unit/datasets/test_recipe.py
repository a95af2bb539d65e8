"""What a dataset is to be made of, as somebody wrote it."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.body import parse_body
from shared.datasets.recipe import Recipe, Sample, Sampling, Split, SplitBy, parse
from shared.errors import InvalidRecipe, UnreadableRequest


def test_every_key_is_read() -> None:
    recipe = parse(
        b"""
        model: flights
        versions: ["1", "2"]
        start: 2026-03-01T00
        end: 2026-03-08T00
        as_of: 2026-03-09T00:00:00Z
        features: [distance, carrier]
        actuals: {required: true, delay: PT36H}
        segments: {carrier: [AA, DL], rain: [true]}
        exclude: {data_faults: false, canaries: false, hours: [2026-03-02T05]}
        original: {sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, share: 0.25}
        weights: {classes: {late: 3}, half_life: P30D}
        sample: {rows: 1000, by: stratified, strata: [carrier], seed: 7}
        split: {by: group, group: carrier, validation: 0.1, test: 0.3}
        outputs: true
        tolerances: {missing_actuals: 0.1, duplicates: 0.2, told_by_feature: 0.9, known_before: 0, overlap: 0.01, drift: 0.3}
        """,
        path="recipe.yaml",
    )

    assert (recipe.versions, recipe.start, recipe.end) == (("1", "2"), "2026-03-01T00", "2026-03-08T00")
    assert recipe.as_of == datetime(2026, 3, 9, tzinfo=UTC)
    assert recipe.actuals.delay == timedelta(hours=36)
    assert recipe.segments == {"carrier": ("AA", "DL"), "rain": (True,)}
    assert recipe.exclude.hours == ("2026-03-02T05",)
    assert recipe.original is not None
    assert (recipe.original.share, recipe.weights.classes["late"]) == (0.25, 3.0)
    assert recipe.sample == Sample(rows=1000, by=Sampling.STRATIFIED, strata=("carrier",), seed=7)
    assert recipe.split == Split(by=SplitBy.GROUP, group="carrier", validation=0.1, test=0.3)
    assert (recipe.outputs, recipe.tolerances.drift) == (True, 0.3)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("format: 2\n", 2, "format"),
        ("versions: [A B]\n", 2, "versions"),
        ("versions: [a, a]\n", 2, "versions"),
        ("features: [a, b, a]\n", 2, "features"),
        ("start: yesterday\n", 2, "start"),
        ("start: 2026-03-01T05\nend: 2026-03-01T05\n", 3, "end"),
        ("exclude:\n  canaries: true\n  hours: [yesterday]\n", 4, "exclude.hours"),
        ("as_of: 2026-03-01T09:00:00\n", 2, "as_of"),
        ("actuals:\n  required: true\n  delay: -PT1H\n", 4, "actuals.delay"),
        ("weights: {half_life: PT1H}\n", 2, "weights.half_life"),
        ("weights:\n  balanced: true\n  classes: {a: 2}\n", 3, "weights.balanced"),
        ("weights:\n  classes:\n    a: 2\n    b: 0\n", 5, "weights.classes.b"),
        ("actuals: {required: false}\nweights: {balanced: true}\n", 3, "weights"),
        ("sample:\n  rows: 0\n", 3, "sample.rows"),
        ("sample:\n  rows: 5\n  by: chance\n", 4, "sample.by"),
        ("sample:\n  rows: 5\n  by: stratified\n", 2, "sample.strata"),
        ("sample:\n  rows: 5\n  strata: [a]\n", 4, "sample.strata"),
        ("split: {validation: 0.5, test: 0.5}\n", 2, "split"),
        ("split: {by: group}\n", 2, "split.group"),
        ("original:\n  sha256: abc\n  share: 0.5\n", 3, "original.sha256"),
        ("segments:\n  a: [b]\n  c: [d, 5]\n", 4, "segments.c[1]"),
        ("tolerances: {drifts: 0.1}\n", 2, "tolerances.drifts"),
        ("outputs: true\noutputs: false\n", 3, "outputs"),
    ],
)
def test_what_does_not_hold_is_refused_by_line_and_key(text: str, line: int, key: str) -> None:
    """A key that is misspelt and passed over makes a dataset that nobody asked for."""
    with pytest.raises(InvalidRecipe) as caught:
        parse(f"model: flights\n{text}".encode(), path="recipe.yaml")

    said = str(caught.value)
    assert said.startswith(f"recipe.yaml: line {line}: ")
    assert f"`$.{key}`" in said


def test_what_was_sent_for_a_model_need_not_name_it() -> None:
    body = b'{"sample": {"rows": 100}, "actuals": {"delay": "PT6H"}, "as_of": "2026-03-01T09:00:00Z"}'

    said = parse_body(body, model="flights", max_depth=8)

    assert (said.recipe.model, said.recipe.actuals.delay) == ("flights", timedelta(hours=6))
    assert said == parse_body(body[:-1] + b', "model": "flights"}', model="flights", max_depth=8)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"model": "trains"}, "model is another one than 'flights'"),
        ({"model": 5}, "model is another one"),
        ({"splits": {}}, "unknown field `splits`"),
        ({"split": {"test": 1.5}}, r"`\$\.split\.test`"),
        ({"split": {"test": 0.5, "validation": 0.5}}, "^split leaves nothing"),
        ({"start": "2026"}, "^start '2026'"),
        ({"format": 2}, "^format is 2"),
        ({"accept": "overlap"}, "^accept: Expected `array`"),
        ({"accept": ["overlaps"]}, "^accept: 'overlaps' is no check that can be accepted, as missing_actuals, dupl"),
        ({"accept": ["overlap", "schema"]}, "^accept: schema cannot be accepted: whoever reads"),
    ],
)
def test_what_was_sent_and_does_not_hold_is_refused_by_its_key(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecipe, match=reason):
        parse_body(json.dumps(body).encode(), model="flights", max_depth=8)


def test_checks_that_may_fail_are_named_beside_the_recipe() -> None:
    said = parse_body(b'{"accept": ["overlap", "duplicates", "overlap"]}', model="flights", max_depth=8)

    assert (said.recipe, said.accept) == (Recipe(model="flights"), ("duplicates", "overlap"))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"start": 1, "start": 2}', b'{"a": ' + b"[" * 99])
def test_what_was_sent_and_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableRequest):
        parse_body(body, model="flights", max_depth=8)


_DIFFERING: list[dict[str, Any]] = [
    {"versions": ["1"]},
    {"start": "2026-03-01T00"},
    {"outputs": True},
    {"sample": {"rows": 10}},
    {"sample": {"rows": 10, "seed": 1}},
    {"segments": {"a": ["b"], "c": ["d"]}},
]


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    """The same question asked twice is one request."""
    plain = parse(b"model: flights\nsegments: {a: [b], c: [d]}\nactuals: {delay: P1D}", path="p")
    spelt = parse(b"# as JSON\n{segments: {c: [d], a: [b]}, actuals: {delay: PT24H}, model: flights}", path="p")
    others = {msgspec.convert({"model": "flights", **one}, Recipe).digest for one in _DIFFERING}

    assert plain.digest == spelt.digest
    assert len(others) == len(_DIFFERING)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_recipe_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidRecipe):
        parse(data, path="p")
    with contextlib.suppress(InvalidRecipe, UnreadableRequest):
        parse_body(data, model="m", max_depth=8)
