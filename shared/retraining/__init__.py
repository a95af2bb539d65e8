"""Retraining: does it pay to put another version to use now, and why.

* ``periods`` is the step of decisions; ``losses`` are what answers cost in one, and ``period_losses`` what is stored of it,
  in ``period_store``.
* ``history`` puts the periods of a model together, ``policy`` asks ``experience`` whether a retrain pays, and ``verdicts``
  says what to do in a ``situation``; ``decision`` is what is stored of that.
* ``model`` says which versions that do not answer are asked, ``challenging`` asks them, and ``deciding`` does all this for every
  model when a period is settled.
* ``hindsight`` is the best there was to do; ``replaying`` holds policies against it.
* ``preparing`` says what there is to learn from and takes a ``training_set`` out of a dataset; ``challengers`` says what may
  be tried beside the champion, ``training`` makes a version of what a trainer made, and ``held_out`` holds it against the
  champion on rows that it did not learn from. Trainers are run by the command line alone.
"""
