"""What manifests say that differs, without a look at the rows."""

import msgspec

from shared.datasets import difference
from shared.datasets.difference import Sides
from shared.datasets.manifest import Column, DatasetManifest, Fault, Input, Use
from shared.datasets.recipe import Exclude, Recipe, Sample, Sampling
from tests.unit.datasets.finished_datasets import RECIPE, made


def _input(path: str, sha256: str = "0") -> Input:
    return Input(use=Use.PREDICTIONS, path=path, sha256=sha256, size_bytes=1, rows=1)


def _with(recipe: Recipe = RECIPE, *inputs: Input, columns: tuple[Column, ...] = ()) -> DatasetManifest:
    return msgspec.structs.replace(made(recipe=recipe), inputs=inputs, columns=columns, rows={"train": 8, "test": 2})


def test_only_what_differs_in_recipes_is_said_by_its_key() -> None:
    sampled = msgspec.structs.replace(
        RECIPE,
        sample=Sample(rows=10, by=Sampling.RECENT_FIRST),
        exclude=Exclude(canaries=False),
        versions=("1", "2"),
        segments={"carrier": ("AA",)},
    )

    found = difference.of_manifests(_with(), _with(sampled))

    assert found.recipe["sample.rows"] == Sides(before=None, now=10)
    assert found.recipe["exclude.canaries"] == Sides(before=True, now=False)
    assert found.recipe["versions"] == Sides(before=(), now=("1", "2"))
    assert found.recipe["segments.carrier"] == Sides(before=None, now=("AA",))
    assert not {"exclude.data_faults", "model", "tolerances.drift"} & found.recipe.keys()
    assert difference.of_manifests(_with(sampled), _with(sampled)).recipe == {}


def test_a_file_that_was_rewritten_is_neither_added_nor_removed() -> None:
    found = difference.of_manifests(
        _with(RECIPE, _input("a"), _input("b"), _input("c")), _with(RECIPE, _input("b"), _input("c", "1"), _input("d"))
    )

    assert found.inputs == difference.InputChanges(added=("d",), removed=("a",), changed=("c",))


def test_columns_of_one_side_or_of_another_type_are_said_and_not_compared() -> None:
    first = [Column(name=name, type=of, missing=0) for name, of in (("_id", "string"), ("a", "double"), ("b", "int64"))]
    second = [
        Column(name=name, type=of, missing=0) for name, of in (("_id", "string"), ("a", "double"), ("b", "double"))
    ]
    before, now = _with(columns=tuple(first)), _with(columns=(*second, Column(name="c", type="string", missing=0)))

    found = difference.of_manifests(before, now)

    assert found.columns == {"b": Sides(before="int64", now="double"), "c": Sides(before=None, now="string")}
    assert difference.columns_of_both(before, now) == ("a",)


def test_a_distribution_has_the_means_and_missing_shares_of_both() -> None:
    before = _with(columns=(Column(name="a", type="double", missing=5, mean=1.5),))
    now = _with(columns=(Column(name="a", type="double", missing=0),))

    found = difference.distribution("a", before, now, distance=0.25, unknown=None)

    assert (found.mean, found.missing) == (Sides(before=1.5, now=None), Sides(before=0.5, now=0.0))


def test_an_erased_side_is_named_once() -> None:
    erased = msgspec.structs.replace(_with(), state="erased", parts=())

    assert difference.of_manifests(erased, erased).erased == (erased.dataset,)
    assert difference.of_manifests(_with(), _with()).erased == ()


def test_hours_that_only_one_left_out_are_said() -> None:
    """The same recipe takes other rows once an alert is resolved."""
    lasts, ended, same = (
        Fault(version="1", start="2026-03-01T09", end=end, alert=alert)
        for end, alert in (("2026-03-04T00", "a"), ("2026-03-02T00", "a"), ("2026-03-01T10", "b"))
    )
    before, now = (msgspec.structs.replace(_with(), faults=faults) for faults in ((lasts, same), (same, ended)))

    found = difference.of_manifests(before, now).faults

    assert found == difference.FaultChanges(added=(ended,), removed=(lasts,))
    assert difference.of_manifests(_with(), now).faults is None  # the first is from when they were not listed


def test_manifests_from_before_faults_were_listed_are_read() -> None:
    old = msgspec.json.decode(msgspec.json.encode(_with()))
    del old["faults"]

    assert msgspec.convert(old, DatasetManifest).faults is None
