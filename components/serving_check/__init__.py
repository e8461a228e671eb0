"""Loads the exported model in a clean process, as a model server does."""
