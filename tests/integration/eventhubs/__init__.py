"""The emulator under the real client."""
