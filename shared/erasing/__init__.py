"""Erasure: every row of a subject disappears from everything that is stored.

``subject`` says which rows are meant, ``tombstone`` what is written down of it. One module takes rows out of each kind of
``place``, and ``erasing`` goes through them: first those with whole records, which say the ids that the others know a
subject by. Nothing else rewrites what is sealed.

==============================================  ====================================================================
what is stored                                  what becomes of the subject's rows
==============================================  ====================================================================
``captures/logs/``                              ``logs``: the log is closed, sealed to its end and deleted
``captures/dead/``                              ``letters``: likewise; letters of others are kept beside it
``captures/imports/``                           ``letters``: the file is deleted; the import can be run again
``captures/spool/``                             stay until Event Hubs has them; dropped when they are sealed
``captures/hours/`` rows, profiles, indexes     ``sealed``: replaced, by what the other rows come to
``captures/days/``                              ``sealed``: deleted, and rolled up again from the hours
``captures/joins/``                             ``joined``: replaced; an erasure is a step of the join
``monitoring/challenges/``                      ``copies``: replaced
``datasets/_training/``                         ``copies``: deleted
``datasets/requests/``                          ``built``: deleted where they name the subject, or what answered them is gone
``models/…/baselines/`` rows, samples           ``baselines``: replaced; what is counted and ranged stays
``datasets/<model>/_builds/``                   ``built``: deleted
``datasets/<model>/_originals/``                ``built``: deleted; a file can be handed over again
``datasets/<model>/<dataset>/``                 ``built``: no more than the manifest is left, marked ``erased``
``captures/erased/``                            SHA-256 of the ids, until neither hub nor spool can deliver them
``captures/erasures/``                          when, of which model, how many; never whose
==============================================  ====================================================================

Everything else that is stored holds no row: accounts, cursors, gaps, chains (of ids no more than their milliseconds),
watermark, unjoined marks, evaluations, looks, alerts, outbox, periods, decisions, comparisons, registry manifests and
models.

A stage that was held up while rows went may leave a file behind that nothing names, as a killed one does: a profile of an
hour or of a day, or joined rows; and a build that is killed after it has stored a dataset, before it has seen that its
plan is gone, leaves that dataset. Running the command again finds and deletes it.
"""
