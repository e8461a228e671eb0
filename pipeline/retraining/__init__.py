"""Retraining: new batches -> assessment -> decision -> run -> ledger."""
