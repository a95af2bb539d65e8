"""The registry against Azurite."""
