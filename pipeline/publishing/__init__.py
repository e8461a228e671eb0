"""Serving versions outside the workspace: bundles, their model cards, and other targets."""
