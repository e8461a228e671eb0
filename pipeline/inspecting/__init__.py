"""What is in the data, without training."""
