"""What a workspace needs no more, and how it is removed: `carryover clean`, `retention`."""
