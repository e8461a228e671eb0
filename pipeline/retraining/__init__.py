"""Retraining: inbox -> batch store -> assessment -> decision -> training set -> run -> ledger."""
