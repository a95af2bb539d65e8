"""A Functions host for development: HTTP, Event Hubs and timer triggers of one app, as the real host drives them."""
