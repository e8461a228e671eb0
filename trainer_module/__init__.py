"""Training code that TFX calls by dotted path: Keras 3 and tf.data, usable without TFX."""

import os

# The export is a SavedModel, so Keras must run on TensorFlow, whatever the user's default is.
os.environ["KERAS_BACKEND"] = "tensorflow"
