"""What is wrong with the data, in words, and whether that stops the run."""
