"""DataGate: findings about the data, and whether they stop the run before any training."""
