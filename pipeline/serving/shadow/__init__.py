"""Lets a new version predict beside the serving one, and compares them, before it serves."""
