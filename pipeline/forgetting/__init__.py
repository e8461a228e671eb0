"""Removes pictures from a workspace for good: `carryover forget`."""
