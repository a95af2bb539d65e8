"""Erasure, against storage that is real."""
