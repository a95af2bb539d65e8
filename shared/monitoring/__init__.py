"""Monitoring: a window of sealed hours against the baseline of the same version.

``windows`` reads and merges profiles, ``evaluation`` is what is stored of one judgement, ``monitoring`` looks at every
version whenever the watermark has moved, and ``catalog`` is what people ask about models.

``watching_capture`` draws the account up on a timer, and ``capture_signals`` says what it means for alerts.
"""
