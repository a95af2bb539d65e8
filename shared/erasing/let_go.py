"""Hours that retention took: by which ids a subject was known in them nobody knows any more."""

from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind
from shared.sealing.days.day import DayAccount

_ACCOUNTS: Final = "captures/account/"


async def let_go_until(blobs: Blobs, model: str) -> str | None:
    """Return the last date whose hours of a model's predictions retention took; None where it took none.

    Of those hours a subject is found by its value or its external id, in what holds these, and by no id.
    """
    paths = [stored.path async for stored in blobs.under(_ACCOUNTS)]
    accounts = await each(paths, lambda path: documents.find(blobs, path, DayAccount))
    folder = f"kind={Kind.PREDICTION}/model={model}/"
    return max(
        (
            account.date
            for account in accounts
            if account is not None
            and any(one.is_let_go for shelf, one in account.shelves.items() if shelf.startswith(folder))
        ),
        default=None,
    )
