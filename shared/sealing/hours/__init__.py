"""Sealed hours, which are only ever added to; an erasure alone takes rows out.

``hour`` is what is stored of one, with a ``tally`` of its events and a count of its ``failures``; ``manifests`` reads it,
and ``listing`` says what there is.
``watermark`` says which hours can be sealed, ``doubles`` finds the records that are at rest already, ``erased`` those that
are not to come back, and ``generations`` adds the others. ``chain`` and ``chaining`` put the generations of all hours of a kind, model and version in a row.
"""
