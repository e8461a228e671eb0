"""TensorFlow Serving's REST interface: requests, responses, model status, errors."""
