"""The rules of the local Functions host: routes, schedules, host.json, retries, keys."""
