"""The page of `carryover serve`: what serves, what came of the batches, and a model to try."""
