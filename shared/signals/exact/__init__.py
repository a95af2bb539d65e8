"""The same metrics over rows: what ``drift`` says of counts, exactly, and with the p-value of each.

One column is looked at at a time, so that memory does not grow with their number. Each side of a number is sorted once;
from then on a bin is a search for its edges, and the distribution functions of both sides are compared a stretch at a time
(``distances``). Categories are counted over their dictionary's indices, and no value becomes a Python object.

Only how columns go together (``joint``) needs all of them at once, and then a few thousand rows.
"""
