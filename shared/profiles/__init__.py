"""Summaries of a window that can be added up.

A version's **bins** are cut once, from its training data. A **profile** counts the rows of an hour over those bins. All of
it is integers (even sums of values, which are standardised, clipped and rounded to fixed point), so merging is associative
and commutative to the bit: hours, days and months give the same profile in whatever order and grouping they are added.
Profiles over different bins refuse to merge. A profile counts the rows that were kept, each as one.

``numeric`` and ``categorical`` summarise one feature, ``joint`` how features go together, ``sample`` keeps a few rows,
``segments`` are summarised by themselves. ``profile`` puts them together; ``cutting`` and ``joint_cutting`` cut the bins, and
``hourly`` keeps a baseline hour by hour.
"""
