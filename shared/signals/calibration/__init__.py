"""Calibration: from a version's own history, how much surprise is news.

``contrasts`` turns a window into numbers, ``looks`` are windows as such numbers, which ``hourly`` makes of hours. ``usual``
learns how windows differ where nothing is wrong, ``widths`` how far single columns stray now and then, ``surprise`` says how
rare a window is, ``tail`` from where on that is news, and ``calibrating`` puts these together. ``telling`` says which features
it is about.

What was tried, on simulated versions with a history of 90 days and a budget of one alert a month (50 to 60 versions a cell,
50 features, daily looks; ``benchmarks.alarms`` measures what was chosen):

* **Statistic**: the largest KS distance finds a shift of 0.25 standard deviations in one of 50 features, in windows of 200
  independent rows, in .33 of windows, the largest Wasserstein distance in .55, the mean of normal scores in .56 (each with
  the threshold of a known null). Hence normal scores.
* **Shocks**: with autocorrelated rows and shocks that move all features (2,000 rows), 0.5 standard deviations in 5 features
  are found in .45 of windows where shocks are left in, in .75 where they are taken out and watched by themselves.
* **Many small shifts**: 0.1 standard deviations in 25 features (200 independent rows) are found in .42 of windows by the best
  rule that looks at the furthest feature alone, in .8 with the sum of squares beside it.
* **Threshold**: the order statistic keeps the budget (0.7 to 1.1 alerts) and finds .45 in the first case; a Gumbel
  distribution fitted by moments finds .51 and breaks the budget where rows are autocorrelated (1.3 to 1.4); the exponential
  tail drawn towards its theory keeps it (0.9 to 1.1) and finds .55.
* **Season**: the same moment of the week as baseline finds 0.25 standard deviations in one of 50 features (200 rows) in .49
  of windows; one baseline for the whole week in .05.
"""
