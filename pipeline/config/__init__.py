"""The config of a run: the immutable `RunConfig`, its groups of options, and its file."""
