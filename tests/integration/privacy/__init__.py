"""What is private, searched for in everything that a system leaves behind."""
