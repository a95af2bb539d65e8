"""The account: what must be there, and what is.

``account`` holds one against the other, and ``discrepancies`` says what can be wrong. ``verifying`` draws it up, from what
``state`` and ``books`` read: ``counting`` counts hours, by their manifests and by the ``places`` in their logs, ``summing``
holds them against days, ``files`` against listings, and ``depth`` reads the bytes themselves, which ``examining`` and
``numbers`` judge.
"""
