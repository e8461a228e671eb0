"""Training code that TFX calls by dotted path: Keras 3 and tf.data, usable without TFX."""

import os

# The export is a SavedModel, so Keras must run on TensorFlow, whatever the user's default is.
os.environ["KERAS_BACKEND"] = "tensorflow"
# With it, TensorFlow would bring Keras 2, which cannot load our models.
os.environ.pop("TF_USE_LEGACY_KERAS", None)
