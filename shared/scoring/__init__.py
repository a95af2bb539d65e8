"""Scoring: from a request's bytes to answers.

``formats`` reads the request, ``validation`` holds its rows against the schema, ``runtime`` asks the model, and
``scorer`` puts the three together and hands every prediction to whoever keeps it.
"""
