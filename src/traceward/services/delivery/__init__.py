"""Subscriptions and what they send: workers, leases, retries, signatures, listeners on a websocket."""
