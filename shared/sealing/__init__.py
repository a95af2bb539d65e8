"""Sealing: hour logs become hours in their final form.

``sealing`` goes through all that can be sealed, and ``retention`` deletes what has been kept long enough. ``tables`` turns
raw lines into a table, ``hours`` adds it to a sealed hour, ``days`` rolls those up. ``imports`` adds what was predicted
elsewhere, ``accounting`` proves that nothing is lost. ``frame`` is for people. A sealed hour is only ever added to, one
generation at a time, so that its folder is always the exact union of its rows.
"""

from shared.sealing.frames import frame

__all__ = ["frame"]
