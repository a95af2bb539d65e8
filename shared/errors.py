"""Every failure this app names.

Fault
|-- InvalidSettings        the app cannot start: names every variable that is wrong
|-- StorageUnavailable     storage cannot be reached, or asks to wait: a retry can help
|-- BlobMissing            nothing is stored at a path
|-- BlobChanged            a fence held: somebody else created, changed or appended first
|-- BlobRefused            storage will never take this content (400, 413)
|-- InvalidDocument        a stored document is not what its type says, or of a newer format
|-- UnknownModel           no such model or version is registered
|-- VersionRetired         a version is out of use: nothing asks it any more (410)
|-- IsChampion             the champion cannot be retired, or challenge itself (409)
|-- ChampionChanged        a version is to answer in place of one that does not answer any more (409)
|-- AlreadyRegistered      the same version exists with other bytes
|-- InvalidModel           a model file cannot be used as it is
|-- Untrainable            what was captured of a version is not what a model would be asked with
|-- TrainerFailed          a trainer made no model: ends with what it said last
|-- ModelFailed            a model raised on rows that fit its schema (500)
|-- NoEvaluation           a model has not been evaluated yet (404)
|-- NoDecision             nothing has been decided about a model yet (404)
|-- InvalidRecipe          a recipe says something that does not hold (422): names the key, and in a file the line
|-- UnknownDataset         a model has no such dataset, or several (404): says which it has
|-- DatasetRefused         a dataset failed its checks (409): says which, and what mends it
|-- BuildGone              the plan of a build was deleted while it went on
|-- DatasetTooLarge        a dataset has more rows than are learned from: says how fewer are taken (409)
|-- DatasetErased          a dataset's rows are gone, because somebody in them was erased (410)
|-- UnreadableRequest      a body that is not the JSON it should be (400)
|-- RequestTooLarge        a body, a number of rows or a record over the limit (413)
|-- InvalidRows            rows that do not fit the schema (422): names row, feature and reason
|-- NotKept                a prediction that must be kept could not be (503)
|-- InvalidRecord          can never be read: dead-letter it, do not retry
|-- UnknownGap             no such loss is written down
|-- NotSealed              hours were asked for that may still be added to
|-- LetGo                  hours were asked for whose rows retention has taken
|-- NotJoined              actuals that count have not been joined yet: a retry can help
|-- BeingErased            rows are being erased of hours that were asked for: a retry can help
|-- WebhookFailed          a webhook did not take what was posted
|-- EventsUnavailable      Event Hubs cannot be reached: a retry can help
|-- EventRefused           an event is larger than anything the hub takes: a retry cannot help
|-- InvalidSchema          a version's features or outputs cannot be: names the feature
|-- Inseparable            rows are to be erased by what does not tell them from others
|-- ErasureWaits           rows cannot be erased yet: do it again later
|-- ErasureOutrun          a subject's rows kept coming while they were erased: run it again
|-- UnfitPrivacyKey        features are hashed, and the key is missing or another one (503)
|-- InsufficientData       too few rows to judge: "unknown", no alert
|-- TelemetryUnanswered    the telemetry endpoint gave no answer: the batch goes again later
|-- InvalidSecret          a webhook secret is not whsec_ and 24 to 64 bytes in base64
|-- BadSignature           a webhook message is unsigned, wrongly signed or too old (401)
|-- IncompatibleProfiles   a bug or a stale baseline: fail the evaluation
|-- EngineMissing          what runs the builds of datasets is not installed: says how it is
|-- EngineFailed           an engine could not run what it was given: memory, disk, or a file that it cannot read
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class Fault(Exception):
    """Base of every error raised on purpose.

    ``code`` is stable; log it, never parse text. ``status`` is what an HTTP answer says when a caller is told.
    """

    code: ClassVar[str] = "fault"
    status: ClassVar[int] = 500


class InvalidSettings(Fault):
    """Settings are missing or unreadable; ``problems`` holds one line for each."""

    code = "invalid_settings"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("the settings do not hold:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class StorageUnavailable(Fault):
    """Storage cannot be reached, refuses us or asks to wait. Raise it: the same call may succeed later."""

    code = "storage_unavailable"
    status = 503

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class BlobMissing(Fault):
    """Nothing is stored at a path."""

    code = "blob_missing"

    def __init__(self, path: str) -> None:
        super().__init__(f"nothing is stored at {path}")
        self.path = path


class BlobChanged(Fault):
    """A conditional write was refused because somebody else wrote first: read again, and go on from there."""

    code = "blob_changed"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was written by somebody else meanwhile")
        self.path = path


class BlobRefused(Fault):
    """Storage refuses this content whatever the circumstances (400, 413)."""

    code = "blob_refused"

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class InvalidDocument(Fault):
    """A stored document cannot be read by this version of the app; ``is_empty`` where it has no bytes at all."""

    code = "invalid_document"

    def __init__(self, path: str, *, reason: str, is_empty: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.is_empty = is_empty


class InvalidSchema(Fault):
    """A schema does not hold; ``feature`` is None where the fault is not in one of them."""

    code = "invalid_schema"

    def __init__(self, *, feature: str | None, reason: str) -> None:
        super().__init__(f"the schema does not hold: {reason}" if feature is None else f"{feature!r}: {reason}")
        self.feature = feature
        self.reason = reason


class Inseparable(Fault):
    """Rows are to be erased by the value of a feature that does not tell them from those of others."""

    code = "inseparable"
    status = 422

    def __init__(self, model: str, feature: str, *, reason: str) -> None:
        super().__init__(f"{model} by {feature}: {reason}; erase by --external-id")
        self.model = model
        self.feature = feature
        self.reason = reason


class ErasureWaits(Fault):
    """Some of a subject's rows cannot be erased yet; what could be is. The same command goes on later."""

    code = "erasure_waits"
    status = 409

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(
            f"{len(paths)} logs hold rows above their partition's cursor, and the hub would deliver them again; run it "
            "again once capture has moved on, or, where the hub was created anew, a day after that: "
            f"{', '.join(paths)}"
        )
        self.paths = paths


class ErasureOutrun(Fault):
    """Every look through everything that is stored found more of a subject; what was found is erased."""

    code = "erasure_outrun"
    status = 409

    def __init__(self, model: str, *, passes: int) -> None:
        super().__init__(f"{model}: more of the subject was stored while each of {passes} passes went on; run it again")
        self.model = model
        self.passes = passes


class UnfitPrivacyKey(Fault):
    """A feature is hashed before it leaves the scorer, and the key that is set cannot do it; ``reason`` says what would help."""

    code = "unfit_privacy_key"
    status = 503

    def __init__(self, model: str, feature: str, *, reason: str) -> None:
        super().__init__(f"{feature!r} of {model} is hashed, and {reason}")
        self.model = model
        self.feature = feature
        self.reason = reason


class InsufficientData(Fault):
    """Too few rows to compute a metric that means anything."""

    code = "insufficient_data"
    status = 409

    def __init__(self, *, rows: int, needed: int) -> None:
        super().__init__(f"{rows} rows, {needed} needed")
        self.rows = rows
        self.needed = needed


class IncompatibleProfiles(Fault):
    """Two profiles, or their counts, stand over different bins and cannot be merged or compared."""

    code = "incompatible_profiles"

    def __init__(self, reason: str) -> None:
        super().__init__(f"different bins: {reason}")
        self.reason = reason


class UnknownModel(Fault):
    """No such model, version or alias is registered."""

    code = "unknown_model"
    status = 404

    def __init__(self, model: str, version: str | None = None) -> None:
        what = f"model {model!r}" if version is None else f"version {version!r} of model {model!r}"
        super().__init__(f"{what} is not registered")
        self.model = model
        self.version = version


class VersionRetired(Fault):
    """The version is out of use since ``at``: it does not answer, and cannot be promoted, until that is taken back."""

    code = "version_retired"
    status = 410

    def __init__(self, model: str, version: str, *, at: datetime) -> None:
        super().__init__(
            f"version {version!r} of model {model!r} is retired since {at:%Y-%m-%d %H:%M} UTC: use another one "
            f"(python manage.py retire {model} {version} --undo takes it back)"
        )
        self.model = model
        self.version = version
        self.at = at


class IsChampion(Fault):
    """The version answers for its model, so that it can neither be retired nor be tried beside itself."""

    code = "is_champion"
    status = 409

    def __init__(self, model: str, version: str) -> None:
        super().__init__(
            f"version {version!r} of model {model!r} is the champion: promote another one first "
            f"(python manage.py promote {model} VERSION)"
        )
        self.model = model
        self.version = version


class ChampionChanged(Fault):
    """A version is to answer because it is better than one that does not answer any more."""

    code = "champion_changed"
    status = 409

    def __init__(self, model: str, version: str, *, instead_of: str, champion: str | None) -> None:
        super().__init__(
            f"{model} {version} was to answer in place of {instead_of}, and by now "
            f"{'none' if champion is None else champion} is the champion, with which it was not compared: nothing was "
            f"promoted (python manage.py promote {model} {version}, if you want it anyway)"
        )
        self.model = model
        self.version = version
        self.instead_of = instead_of
        self.champion = champion


class AlreadyRegistered(Fault):
    """The version exists, with other bytes: a version never changes, so register the new bytes as a new version."""

    code = "already_registered"
    status = 409

    def __init__(self, model: str, version: str, *, what: str) -> None:
        super().__init__(f"{model} {version} is registered with another {what}: register it as a new version")
        self.model = model
        self.version = version
        self.what = what


class InvalidModel(Fault):
    """A model file cannot be used as it is; ``reason`` says why, and what would help."""

    code = "invalid_model"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Untrainable(Fault):
    """Nothing can learn from what was captured of a version what it would be asked with; ``reason`` says why."""

    code = "untrainable"

    def __init__(self, model: str, version: str, feature: str, *, reason: str) -> None:
        super().__init__(
            f"{feature!r} of {model} {version} {reason}: train on rows of your own, and register what comes of it "
            "with --as challenger"
        )
        self.model = model
        self.version = version
        self.feature = feature
        self.reason = reason


class TrainerFailed(Fault):
    """A trainer made no model; ``tail`` is the end of what it said on standard error."""

    code = "trainer_failed"

    def __init__(self, reason: str, *, tail: str = "") -> None:
        super().__init__(f"the trainer {reason}" + (f"; it said last:\n{tail}" if tail else ""))
        self.reason = reason
        self.tail = tail


class InvalidRecipe(Fault):
    """A recipe does not hold; ``reason`` names the key, and of a file the line."""

    code = "invalid_recipe"
    status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownDataset(Fault):
    """A name means no dataset of a model, or not one alone; ``known`` are those that it may have meant, newest first."""

    code = "unknown_dataset"
    status = 404

    def __init__(self, model: str, name: str, *, reason: str, known: tuple[str, ...] = ()) -> None:
        others = f": {', '.join(known)}" if known else ""
        super().__init__(f"{name!r} of {model} {reason}{others}")
        self.model = model
        self.name = name
        self.known = known


class DatasetRefused(Fault):
    """A dataset was built, failed checks and is none; ``reasons`` say why, one for each check, with what mends it."""

    code = "dataset_refused"
    status = 409

    def __init__(self, model: str, *, reasons: tuple[str, ...]) -> None:
        super().__init__(f"the dataset of {model} is refused: {'; '.join(reasons)}")
        self.model = model
        self.reasons = reasons


class DatasetTooLarge(Fault):
    """A dataset has more ``rows`` than are learned from at once, which is done in memory."""

    code = "dataset_too_large"
    status = 409

    def __init__(self, model: str, dataset: str, *, rows: int, most: int) -> None:
        super().__init__(
            f"dataset {dataset[:12]} of {model} has {rows:,} rows to learn from and to try it on, and at most {most:,} are "
            f"taken: build one with sample: {{rows: {most}}} in its recipe, or let more be taken with --rows {rows}"
        )
        self.model = model
        self.dataset = dataset
        self.rows = rows
        self.most = most


class DatasetErased(Fault):
    """The rows of a dataset are gone, because somebody in them was erased ``at`` some time; its manifest is left."""

    code = "dataset_erased"
    status = 410

    def __init__(self, model: str, dataset: str, *, at: datetime) -> None:
        super().__init__(
            f"the rows of dataset {dataset} of {model} were erased on {at:%Y-%m-%d %H:%M} UTC, with somebody who was in "
            "them: build it anew by the recipe of its manifest, which gives another one"
        )
        self.model = model
        self.dataset = dataset
        self.at = at


class BuildGone(Fault):
    """The plan of a build was deleted while it went on, because rows that it takes were erased: it is planned anew."""

    code = "build_gone"

    def __init__(self, model: str, build: str) -> None:
        super().__init__(
            f"build {build} of {model} is gone: rows that it takes were erased while it went on, or it was left alone for "
            "too long; ask for the dataset again"
        )
        self.model = model
        self.build = build


class UnreadableRequest(Fault):
    """A body that is not the JSON it should be; ``reason`` says where and why."""

    code = "unreadable_request"
    status = 400

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RequestTooLarge(Fault):
    """More than this app takes at once; the message names the limit."""

    code = "request_too_large"
    status = 413

    def __init__(self, what: str, *, size: int, limit: int) -> None:
        super().__init__(f"{what}: {size}, and {limit} is the limit")
        self.size = size
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing wrong with one row: ``feature`` is None when it is the row itself."""

    row: int
    feature: str | None
    reason: str


class InvalidRows(Fault):
    """Rows that do not fit the schema; ``misfits`` are the first of them, at least one, of ``rows`` that were given."""

    code = "invalid_rows"
    status = 422

    def __init__(self, misfits: tuple[Misfit, ...], *, rows: int) -> None:
        first = misfits[0]
        where = f"row {first.row}" if first.feature is None else f"row {first.row}, feature {first.feature!r}"
        super().__init__(f"{where}: {first.reason}")
        self.misfits = misfits
        self.rows = rows


class NotKept(Fault):
    """What has to be kept could not be, so there is no answer: ask again later."""

    code = "not_kept"
    status = 503

    def __init__(self) -> None:
        super().__init__("the records could not be kept; try again later")


class InvalidRecord(Fault):
    """An event or a record that no retry can make readable."""

    code = "invalid_record"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EventsUnavailable(Fault):
    """Event Hubs cannot be reached, refuses us or asks to wait."""

    code = "events_unavailable"
    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EventRefused(Fault):
    """An event is larger than anything this hub takes: its tier is too small for the records that are sent to it."""

    code = "event_refused"

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(f"an event of {size} bytes, and with its properties {limit} is the limit of this hub")
        self.size = size
        self.limit = limit


class TelemetryUnanswered(Fault):
    """The telemetry endpoint gave no answer; ``reason`` says how it failed."""

    code = "telemetry_unanswered"

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the telemetry endpoint gave no answer: {reason}")
        self.reason = reason


class InvalidSecret(Fault):
    """A webhook secret cannot be used; ``reason`` does not repeat it."""

    code = "invalid_secret"

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the webhook secret {reason}")
        self.reason = reason


class BadSignature(Fault):
    """A webhook message cannot be trusted; ``reason`` says which check it failed."""

    code = "bad_signature"

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the message is not to be trusted: {reason}")
        self.reason = reason


class ModelFailed(Fault):
    """A model raised on rows that fit its schema: the model or its schema is wrong, not the request."""

    code = "model_failed"

    def __init__(self, model: str, version: str) -> None:
        super().__init__(f"version {version} of {model} failed on rows that fit its schema")
        self.model = model
        self.version = version


class NoEvaluation(Fault):
    """A model has not been evaluated yet."""

    code = "no_evaluation"
    status = 404

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} has not been evaluated yet")
        self.model = model


class NoDecision(Fault):
    """Nothing has been decided about a model yet."""

    code = "no_decision"
    status = 404

    def __init__(self, model: str) -> None:
        super().__init__(f"nothing has been decided about {model} yet: no period of its champion is settled")
        self.model = model


class UnknownGap(Fault):
    """A loss that somebody wants to take note of, and that is not written down."""

    code = "unknown_gap"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no gap {name!r} is written down; verify says which are, as <incarnation>/p<partition>/<from>-<to>, and "
            "with --deep numbers that it does not find can be taken note of as well"
        )
        self.name = name


class NotSealed(Fault):
    """What was asked for ends at the hour ``end``, and only what is before ``before`` is sealed (None: nothing is)."""

    code = "not_sealed"
    status = 409

    def __init__(self, end: str, *, before: str | None) -> None:
        known = "nothing is sealed" if before is None else f"only what is before {before} is sealed"
        super().__init__(f"{known}, and not up to {end}: ask for less, or wait")
        self.end = end
        self.before = before


class LetGo(Fault):
    """Of what was asked for, the rows of some ``dates`` are not kept any more, or are going at this moment."""

    code = "let_go"
    status = 410

    def __init__(self, model: str, version: str, *, dates: tuple[str, ...]) -> None:
        days = dates[0] if len(dates) == 1 else f"{len(dates)} days, from {dates[0]} to {dates[-1]}"
        super().__init__(
            f"rows of {model} {version} were let go (HOURS_KEPT_DAYS), those of {days}: ask for later ones"
        )
        self.model = model
        self.version = version
        self.dates = dates


class NotJoined(Fault):
    """Actuals that were there by ``as_of``, or predictions that they may be of, wait to be joined: ask again later."""

    code = "not_joined"
    status = 503

    def __init__(self, model: str, *, as_of: datetime, waiting: int) -> None:
        super().__init__(
            f"{waiting} files of predictions and actuals of {model} from before {as_of:%Y-%m-%dT%H:%M:%SZ} wait to be "
            "joined, and would be missing: the timer of JOIN_SCHEDULE joins them; ask again after its next run"
        )
        self.model = model
        self.as_of = as_of
        self.waiting = waiting


class BeingErased(Fault):
    """Rows are being erased of an hour that was asked for, and its files are not settled: ask again later."""

    code = "being_erased"
    status = 503

    def __init__(self, model: str, *, hour: str) -> None:
        super().__init__(
            f"rows of {model} are being erased of {hour}, and of more hours it may be: ask again once manage.py erase has "
            "ended; one that was broken off is gone on with by the same command"
        )
        self.model = model
        self.hour = hour


class WebhookFailed(Fault):
    """A webhook did not take what was posted; ``is_final`` when it asks never to be posted to again."""

    code = "webhook_failed"

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class EngineMissing(Fault):
    """The engine that is to build a dataset is not installed."""

    code = "engine_missing"

    def __init__(self, engine: str, *, mend: str) -> None:
        super().__init__(f"{engine} is not installed: {mend}")
        self.engine = engine
        self.mend = mend


class EngineFailed(Fault):
    """An engine could not run what it was given; ``reason`` is what it said."""

    code = "engine_failed"

    def __init__(self, engine: str, *, reason: str) -> None:
        super().__init__(f"{engine} failed: {reason}")
        self.engine = engine
        self.reason = reason
