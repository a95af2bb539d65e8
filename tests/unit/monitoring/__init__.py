"""Rules of monitoring, without storage."""
