"""Activations of the frozen part of the backbone: kept in memory, on disk and across trainings."""
