"""Cross-fitting: predictions for training pictures by models that were trained without them."""
