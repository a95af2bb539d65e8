"""The commands of ``manage.py``, one module each.

A module has ``add``, which declares the command's options, and a coroutine that does the work and returns what
``--json`` prints.
"""
