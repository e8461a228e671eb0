"""TFX's Transform for decoded pictures."""
