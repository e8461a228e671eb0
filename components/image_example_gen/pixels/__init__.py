"""What is in the pixels of a picture: range of values, damage, blank areas."""
