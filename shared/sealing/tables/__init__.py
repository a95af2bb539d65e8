"""From raw lines to a table.

``logs`` says which bytes wait, ``lines`` reads lines, ``columns`` has the types of the version's schema, and ``rows`` puts
the table together. ``packed`` are ids in a form that is compared fast, ``external`` says which rows have which external
id, and ``remote_parquet`` reads a part of a file.
"""
