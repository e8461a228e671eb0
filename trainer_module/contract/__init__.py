"""What all three packages share: errors, names in examples and models, listing rows, paths."""
