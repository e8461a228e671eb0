"""Disk and memory that a run will need, worked out before it starts."""
