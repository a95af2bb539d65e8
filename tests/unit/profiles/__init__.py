"""What profiles promise."""
