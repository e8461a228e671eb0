"""Processes that the server starts for work that is costly or must be limited."""
