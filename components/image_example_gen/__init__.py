"""Reads pictures and writes tf.Examples; lists every unusable file with its reason."""
