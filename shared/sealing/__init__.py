"""Sealing: hour logs become hours in their final form.

``watermark`` says which hours can be sealed, and ``logs`` which bytes of them wait. ``lines``, ``columns`` and ``rows`` turn
raw lines into a table, ``packed`` and ``doubles`` find the ids that are at rest already; ``hour`` is what is stored of one
sealed hour, ``generations`` adds to it. ``chain`` and ``chaining`` put the generations of all hours of a kind, model and
version in a row, and ``sealing`` goes through all that can be sealed. A sealed hour is only ever added to, one generation
at a time, so that its folder is always the exact union of its rows.

``day`` is what is stored of a day, ``rolling`` makes it once the watermark has passed, ``finding`` reads hours and days, and
``retention`` deletes what has been kept long enough. ``history``, ``moments`` and ``minting`` read what was predicted
elsewhere, and ``importing`` adds it to sealed hours. ``frame`` is for people.

``account`` is what must be there of each partition and what was found, ``discrepancies`` what can be wrong. ``verifying``
draws the account up, from what ``state`` and ``books`` read: ``counting`` counts hours, by their manifests and by the
``places`` in their logs, ``summing`` holds them against days, ``files`` against listings, and ``depth`` reads the bytes
themselves, which ``examining`` and ``numbers`` judge.
"""

from shared.sealing.frames import frame

__all__ = ["frame"]
