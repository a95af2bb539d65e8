"""How commands let checks of a dataset fail."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.datasets import accepting

if TYPE_CHECKING:
    from shared.datasets.manifest import Check


def add_accept(parser: argparse.ArgumentParser) -> None:
    """Declare ``--accept``."""
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        type=_name,
        metavar="CHECK",
        help=f"let a check of the dataset fail: {', '.join(accepting.ACCEPTABLE)}; repeatable",
    )


def how_to_accept(refusing: Iterable["Check"]) -> str | None:
    """Return which options have a dataset built that these checks refuse; None where none do."""
    checks = list(refusing)
    if not all(one.acceptable for one in checks):
        return None
    return f"{' '.join(f'--accept {one.name}' for one in checks)} takes it as it is"


def _name(text: str) -> str:
    problem = accepting.problem(text)
    if problem is not None:
        raise argparse.ArgumentTypeError(problem)
    return text
