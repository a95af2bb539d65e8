"""Tests of the rules of sealing."""
