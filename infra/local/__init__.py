"""The whole system on one machine: functions host, Event Hubs emulator, Azurite, sinks and the demo."""
