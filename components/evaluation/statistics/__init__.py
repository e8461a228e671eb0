"""Statistics of the gates: tests and intervals of paired accuracies. NumPy and SciPy only."""
