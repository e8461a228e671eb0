"""Results of slices of further columns: in the summary, and on the terminal."""
