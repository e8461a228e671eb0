"""Pushes a blessed model as a new version, whole or not at all."""
