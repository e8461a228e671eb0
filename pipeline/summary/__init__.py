"""The results of a run: `summary.json`, and tables for the terminal."""
