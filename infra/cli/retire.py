"""``retire`` takes a version out of use, and back."""

import argparse

from infra.cli.command import Answer, Commands, valid_name
from shared import wiring


def add(commands: Commands) -> None:
    """Declare it."""
    retire = commands.add(
        "retire",
        _retire,
        about="take a version out of use: it is not scored with, evaluated or held in memory; its data stays",
    )
    retire.add_argument("model", type=valid_name)
    retire.add_argument("version", type=valid_name, help="any but the champion: promote another one first")
    retire.add_argument(
        "--undo",
        action="store_true",
        help="take it back: the version answers again where it is asked for by name, and is evaluated; it is neither "
        "champion nor challenger until it is promoted",
    )


async def _retire(asked: argparse.Namespace) -> Answer:
    registry = wiring.registry()
    before = (await registry.aliases(asked.model)).retired.get(asked.version)
    change = registry.reinstate if asked.undo else registry.retire
    retired_at = (await change(asked.model, asked.version)).retired.get(asked.version)
    if not asked.json:
        state = "in use" if retired_at is None else f"retired since {retired_at:%Y-%m-%d %H:%M} UTC"
        print(f"{asked.model} {asked.version} is {state}{', as it was before' if retired_at == before else ''}")
    return Answer(
        {
            "model": asked.model,
            "version": asked.version,
            "retired_at": None if retired_at is None else retired_at.isoformat(),
            "changed": retired_at != before,
        }
    )
