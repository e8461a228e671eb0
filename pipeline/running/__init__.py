"""One run on this machine: preparation, identity, launching, resuming, Beam."""
