"""Several machines in one training."""
