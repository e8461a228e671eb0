"""The page of `carryover serve`: versions, batches, traffic, and predictions for a picture."""
