"""Keeps a share of the pictures that clients send, with their predictions."""
