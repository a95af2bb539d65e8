"""The emulator's codec, messages, signatures and log, without a connection."""
