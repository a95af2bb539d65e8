"""Performance against scikit-learn, and intervals against worlds whose truth is known."""
