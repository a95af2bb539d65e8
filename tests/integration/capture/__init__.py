"""Capture against Azurite and the emulator."""
