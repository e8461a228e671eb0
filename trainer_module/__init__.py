"""Training code that TFX calls by dotted path: Keras 3 and tf.data, usable without TFX."""

import os
import platform

# The export is a SavedModel, so Keras must run on TensorFlow, whatever the user's default is.
os.environ["KERAS_BACKEND"] = "tensorflow"
# With it, TensorFlow would bring Keras 2, which cannot load our models.
os.environ.pop("TF_USE_LEGACY_KERAS", None)
# Otherwise the first process that starts TensorFlow takes all memory of a GPU, and a server beside
# a training, or the next process of a run, has none.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# TensorFlow uses oneDNN of its own accord on CPUs with AVX-512 alone. On others a forward pass
# takes 0.6 of the time with it.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
