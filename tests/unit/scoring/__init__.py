"""What scoring promises, without HTTP."""
