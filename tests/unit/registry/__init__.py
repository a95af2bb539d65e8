"""What is known about a version."""
