"""Alerts: their life, the outbox they wait in, the formats they take and the signatures that prove who sent them."""
