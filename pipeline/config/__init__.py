"""The configuration of a run: one frozen RunConfig, its groups of options, and its file."""
