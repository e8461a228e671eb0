"""The sections of the report: each reads its part of a run and returns plain values."""
