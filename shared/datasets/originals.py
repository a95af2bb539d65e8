"""Original training data that datasets mix in, as files by their hashes."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from shared.blobs import Blobs
from shared.datasets.manifest import Input, Use
from shared.datasets.mixing import holds_moments
from shared.datasets.paths import original_path
from shared.datasets.recipe import Recipe
from shared.datasets.scratch import sha256_of
from shared.datasets.suiting import kept
from shared.errors import BlobChanged, InvalidRecipe
from shared.registry.manifest import Manifest
from shared.sealing.tables.remote_parquet import RemoteParquet


@dataclass(slots=True)
class Originals:
    """Keeps original training data."""

    blobs: Blobs

    async def keep(self, model: str, file: Path) -> str:
        """Store a file under its hash, which is returned; the same file again is there already."""
        sha256 = sha256_of(file)
        with contextlib.suppress(BlobChanged):
            await self.blobs.create_from(original_path(model, sha256), file)
        return sha256

    async def find(self, recipe: Recipe, parent: Manifest, *, times: Sequence[str]) -> tuple[Input, str | None]:
        """Return the file that a recipe mixes in, and its column that says when each row happened; None where it has none.

        Args:
            recipe: that mixes it in.
            parent: the version whose features rows have.
            times: what that column may be called; the first that is there is it, unless it is a feature.

        Raises:
            InvalidRecipe: it was not handed over, or its rows cannot stand beside captured ones.
            InvalidDocument: it is no Parquet file.
        """
        if recipe.original is None:
            raise ValueError("the recipe mixes nothing in")
        sha256, path = recipe.original.sha256, original_path(recipe.model, recipe.original.sha256)
        _refuse_masked(recipe, parent)
        sizes = [stored.size_bytes async for stored in self.blobs.under(path)]
        if not sizes:
            raise InvalidRecipe(
                f"original.sha256: no such file was handed over: python manage.py dataset build RECIPE --original FILE, "
                f"of which the SHA-256 is {sha256}"
            )
        file = await RemoteParquet.open(self.blobs, path, size_bytes=sizes[0])
        features = {feature.name for feature in parent.schema.features}
        time = next((name for name in times if name in file.schema.names and name not in features), None)
        _refuse_unsuitable(file.schema, recipe, parent, time)
        return Input(use=Use.ORIGINAL, path=path, sha256=sha256, size_bytes=sizes[0], rows=file.rows), time


def _refuse_masked(recipe: Recipe, parent: Manifest) -> None:
    """See that no feature that rows are taken by, or keep, is captured as something else than the file has it as."""
    looked_at = {*kept(recipe, parent), *recipe.segments, recipe.split.group}
    for feature in parent.schema.features:
        if feature.name in looked_at and feature.privacy is not None:
            raise InvalidRecipe(
                f"original: {feature.name} is masked before it leaves the scorer, and the file has it as it is"
            )


def _refuse_unsuitable(file: pa.Schema, recipe: Recipe, parent: Manifest, time: str | None) -> None:
    """See that a file has the columns that its rows are taken by."""
    names = {*file.names}
    missing = sorted({*kept(recipe, parent), parent.actual} - names)
    if missing:
        raise InvalidRecipe(f"original: the file has no column {missing[0]!r}")
    strange = sorted({*recipe.segments} - names)
    if strange:
        raise InvalidRecipe(
            f"segments names {strange[0]!r}, and the file of original has no such column: nobody knows of which segment its "
            "rows are; add the column, or leave out original"
        )
    group = recipe.split.group
    if group is not None and group not in names:
        raise InvalidRecipe(
            f"split.group is {group!r}, and the file of original has no such column: its rows may be of groups that are "
            "tested; add the column, or leave out original or split.group"
        )
    if time is not None and not holds_moments(file.field(time).type):
        raise InvalidRecipe(
            f"original: column {time} is {file.field(time).type}, which holds no times; ISO 8601 texts or timestamps do"
        )
