"""Sealing: hour logs become hours in their final form.

``watermark`` says which hours can be sealed, ``rows`` turns raw lines into a table, ``hour`` is what is stored of one
sealed hour, and ``sealing`` puts them together. A sealed hour is only ever added to, one generation at a time, so that
its folder is always the exact union of its rows.
"""
