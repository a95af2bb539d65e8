"""Ask somebody else's service to train: a signed message, to an address that stands on the command line."""

import hashlib
import time
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from shared.alerts import signatures
from shared.alerts.delivering import Post
from shared.errors import InvalidSettings, TrainerFailed, WebhookFailed
from shared.registry.manifest import Lineage
from shared.schema import Schema


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be trained.

    Attributes:
        model: of which a challenger is wanted.
        version: what it is called, unless somebody takes the name before.
        training_data: the blob that it learns from, Parquet.
        sha256: of that.
        rows: how many it has.
        model_file: the blob that the model may be left in, beside the training data; nothing reads it from there.
        schema: the features, and what the champion answers.
        actual: the training data's column that is to be predicted.
        time: the one that says when each row was asked.
        task: ``classification`` or ``regression``.
        lineage: what ``register --lineage`` is given, as a file.
    """

    model: str
    version: str
    training_data: str
    sha256: str
    rows: int
    model_file: str
    schema: Schema
    actual: str
    time: str
    task: str
    lineage: Lineage


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted: the shape that alerts have."""

    type: str = "training.requested"
    timestamp: datetime
    data: Request


def is_hook(trainer: str) -> bool:
    """Whether a trainer is an address, and not a command."""
    return trainer.startswith(("https://", "http://"))


def refuse_unsafe(url: str, *, secret: str) -> None:
    """See that what is asked of a hook can be read by nobody on its way, and is proved to come from us.

    Raises:
        TrainerFailed: it would go over http, to another machine than this.
        InvalidSettings: there is no secret to sign with.
    """
    if not host(url) or (urlsplit(url).scheme != "https" and host(url) != "127.0.0.1"):
        raise TrainerFailed("is not asked: a hook has an https address, or one of 127.0.0.1")
    if not secret:
        raise InvalidSettings(("WEBHOOK_SECRET is missing: what a trainer's hook is asked is signed (whsec_<base64>)",))


def host(url: str) -> str:
    """Return the host of a hook, empty where it has none; the rest of its address may be its password."""
    return urlsplit(url).hostname or ""


async def ask(post: Post, url: str, request: Request, *, secret: str, at: datetime) -> None:
    """Post a request; asked again, it goes out under the same id.

    Raises:
        TrainerFailed: the hook did not take it; a redirection is not followed.
    """
    body = msgspec.json.encode(Message(timestamp=at, data=request))
    message_id = (
        f"msg_{hashlib.sha256(f'{request.model} {request.version} {request.sha256}'.encode()).hexdigest()[:32]}"
    )
    timestamp = int(time.time())  # a receiver compares it with its own clock, so it is the real one
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures.sign(secret, id=message_id, timestamp=timestamp, body=body),
    }
    try:
        await post(url, body, headers)
    except WebhookFailed as failed:
        raise TrainerFailed(f"at {host(url)} did not take the request: {failed.reason}") from failed
