"""When to retrain, as a game with a known best answer: streams, losses of every version in every period, and the optimum."""
