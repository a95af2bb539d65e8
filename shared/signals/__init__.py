"""What is watched: how far apart two windows are, whether that is sure, and whether it matters."""
