"""`carryover inspect`: what is in the data and what is wrong with them, without training."""
