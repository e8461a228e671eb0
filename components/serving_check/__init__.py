"""Loads the export like a model server does, in a clean process."""
