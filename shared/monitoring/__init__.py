"""Monitoring: a window of sealed hours against the baseline of the same version.

``windows`` reads and merges profiles, ``evaluation`` is what is stored of one judgement, ``monitoring`` looks at every
version whenever the watermark has moved, and ``catalog`` is what people ask about models.
"""
