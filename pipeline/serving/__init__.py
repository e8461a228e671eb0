"""`carryover serve`: a workspace's model over HTTP, as TensorFlow Serving would answer."""
