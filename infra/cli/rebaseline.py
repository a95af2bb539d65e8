"""``rebaseline`` accepts a new normal."""

import argparse

from infra.cli.command import Answer, Commands, hour, valid_name
from infra.cli.progress import Progress
from shared import wiring


def add(commands: Commands) -> None:
    """Declare it."""
    rebaseline = commands.add(
        "rebaseline", _rebaseline, about="accept a new normal: compare with these hours from now on"
    )
    rebaseline.add_argument("model", type=valid_name)
    rebaseline.add_argument("version", type=valid_name)
    rebaseline.add_argument(
        "--from", dest="first", type=hour, required=True, metavar="HOUR", help="such as 2026-03-01T09"
    )
    rebaseline.add_argument(
        "--to", dest="end", type=hour, required=True, metavar="HOUR", help="the first hour not taken"
    )


async def _rebaseline(asked: argparse.Namespace) -> Answer:
    if asked.end <= asked.first:
        raise SystemExit("--to is not after --from: no hour would be accepted")
    with Progress("reading hours", shown=not asked.json):
        current = await wiring.rebaselining().accept(asked.model, asked.version, asked.first, asked.end)
    if not asked.json:
        print(f"{asked.model} {asked.version} is compared with baseline {current.number} from now on")
    return Answer(
        {
            "model": asked.model,
            "version": asked.version,
            "baseline": current.number,
            "history": [{"baseline": number, "at": at.isoformat()} for number, at in current.history],
        }
    )
