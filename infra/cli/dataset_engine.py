"""What ``dataset`` builds with: the engine, what it may take, and training data that is handed over."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.cli.command import count
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.building import Building
    from shared.datasets.recipe import Recipe

MEMORY_MIB: Final = 2048
"""What the engine may take, unless something else is said."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the engine."""
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="(default duckdb)")
    parser.add_argument("--spark-remote", metavar="URL", help="a cluster's Spark Connect, as sc://host:15002")
    parser.add_argument(
        "--inputs-at",
        metavar="URL",
        help="where Spark reads the container captures itself, as abfss://captures@ACCOUNT.dfs.core.windows.net; "
        "the files are not checked by their hashes then",
    )
    parser.add_argument(
        "--memory-mib",
        type=count,
        default=MEMORY_MIB,
        metavar="N",
        help=f"what the engine may take (default {MEMORY_MIB})",
    )
    parser.add_argument("--threads", type=count, metavar="N", help="(default: one for each CPU)")


def building(asked: argparse.Namespace) -> "Building":
    """Return what builds with the engine that was asked for."""
    if asked.engine != "spark" and (asked.spark_remote or asked.inputs_at):
        raise SystemExit("--spark-remote and --inputs-at go with --engine spark")
    if asked.spark_remote and not asked.inputs_at:
        raise SystemExit("--inputs-at says where the cluster of --spark-remote reads what was captured")
    return wiring.building_on(
        asked.engine,
        memory_mib=asked.memory_mib,
        threads=asked.threads or os.cpu_count() or 1,
        spark_remote=asked.spark_remote,
        inputs_at=asked.inputs_at,
    )


async def hand_over(file: Path | None, recipe: "Recipe") -> None:
    """Store the original training data, if it is the file that the recipe means."""
    from shared.datasets.scratch import sha256_of

    if file is None:
        return
    found = sha256_of(file)
    if recipe.original is None or recipe.original.sha256 != found:
        raise SystemExit(f"the recipe mixes in another file than {file}: original.sha256 of this one is {found}")
    await wiring.originals().keep(recipe.model, file)
