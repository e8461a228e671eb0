"""The result of a run: `summary.json`, and the same on the terminal."""
