"""What the data gate measures: counts, distributions, and how far apart two of them are."""
