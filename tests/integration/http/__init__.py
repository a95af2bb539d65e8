"""What the app answers over HTTP, in the local host."""
