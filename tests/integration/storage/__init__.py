"""Tests of storage, against Azurite."""
