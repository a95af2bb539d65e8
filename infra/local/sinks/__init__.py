"""Where the local system's telemetry and webhooks end up, in place of Application Insights and of a chat room.

Both sinks keep what they got and serve it back, and misbehave on request, so that tests can see what the app does when
the other side is slow, full, half-broken or gone.
"""
