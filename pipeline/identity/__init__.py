"""What identifies the parts of a run: fingerprints of code and libraries, keys of results."""
