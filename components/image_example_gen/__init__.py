"""Pictures in folders -> tf.Examples, and every unusable picture with its reason."""
