"""Predictions for the test split: made once, kept with the version, and never made again."""
