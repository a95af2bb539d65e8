"""Sealing: hour logs become hours in their final form.

``watermark`` says which hours can be sealed. ``lines``, ``columns`` and ``rows`` turn raw lines into a table, in which
``packed`` finds the ids that stand there twice; ``hour`` is what is stored of one sealed hour, ``generations`` adds to it,
and ``sealing`` goes through all that can be sealed. A sealed hour is only ever added to, one generation at a time, so that
its folder is always the exact union of its rows.
"""
