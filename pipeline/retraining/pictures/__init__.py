"""The pictures that a retraining uses: what is known of them, and what batches say of them."""
