"""What the newest report of `carryover monitor` says, as metrics of the server."""
