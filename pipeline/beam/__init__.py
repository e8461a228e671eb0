"""How Beam runs the data components: its arguments, and a check of the runner before a run."""
