"""`carryover serve`: the models of a workspace over HTTP, with TensorFlow Serving's REST API."""
