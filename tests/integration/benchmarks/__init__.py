"""Benchmarks run, and say what they found out; a module each, so that they run beside one another."""
