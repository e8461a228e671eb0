"""Limits of the server: memory of all requests in flight."""
