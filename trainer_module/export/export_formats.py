"""Formats that a classifier can be converted to; importable without TensorFlow."""

from typing import Literal

Format = Literal["tflite-float16", "tflite-int8", "onnx"]
