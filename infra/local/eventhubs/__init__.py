"""An Event Hubs emulator: AMQP 1.0 in pure asyncio, events in files."""
