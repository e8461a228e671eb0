"""TFX's Transform, told how large a picture is."""
