"""What TFMA computes and validates: its config, our metrics, and its results."""
