"""Pushes a blessed model as a new version, which appears complete."""
