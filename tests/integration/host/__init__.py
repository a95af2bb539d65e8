"""The local Functions host, as a process, against Azurite and the Event Hubs emulator."""
