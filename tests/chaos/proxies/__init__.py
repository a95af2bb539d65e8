"""Networks that fail: proxies of our own, which run in the test's event loop and do what it says."""
