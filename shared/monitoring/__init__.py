"""Monitoring: a window of sealed hours against the baseline of the same version.

* ``window`` is what is judged, and ``windows`` reads it: profiles of days and hours, merged. ``refusals`` counts what was
  asked in vain meanwhile.
* ``looking_back`` says what a window may be judged by, and ``histories`` keeps it; ``standing`` is what a version is among
  those of its model.
* ``evaluating`` judges one window, and ``evaluation`` is what is stored of that. ``monitoring`` does it for every version
  whenever a window is due, ``backtest`` for windows that are past.
* ``rebaselining`` accepts a new normal; ``catalog`` is what people ask about models; ``outlived`` is what retention may take.
* ``watching_capture`` draws the account up on a timer, and ``capture_signals`` says what it means for alerts.
"""
