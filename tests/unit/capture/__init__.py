"""What capture promises, without storage."""
