"""What the data gate compares: counts, distributions, and the divergence of two of them."""
