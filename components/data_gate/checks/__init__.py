"""The checks of the data gate: each module turns one kind of evidence into findings."""
