"""Pages for people: one per run, and one of a workspace's history. HTML that needs nothing else."""
