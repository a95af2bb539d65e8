"""Performance: how good answers were where actuals have come, and how good they should be where none have.

``rows`` is what is looked at. ``confusion`` and ``ranking`` turn actuals into metrics, and say how much each row and each
actual moves them: what makes standard errors (``spread``) and intervals (``estimate``) one matter for all metrics. Actuals
are shares of classes there: of what happened all of one, so that the same lines give ``realised`` metrics and, from the
probabilities of what might happen, estimated ones (``confidence``, upon ``recalibration``). ``losses`` predicts the loss of a
regressor. Either stands on an assumption that ``assumption`` checks as soon as actuals come, and ``side_by_side`` keeps an
estimate and the later truth together. ``comparing`` holds periods against each other, and versions.

Nothing here knows where rows are kept, and no number is made up: what cannot be said is ``Unknown``, with the reason.
"""
