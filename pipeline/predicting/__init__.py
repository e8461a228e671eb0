"""Predictions of a SavedModel: for files, as a report per domain, and of other formats."""
