"""When to retrain, and what to do instead."""
