"""Sections of the report: each module reads one part of a run and returns plain values."""
