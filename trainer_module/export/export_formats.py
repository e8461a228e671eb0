"""Formats that a classifier can be converted to. Nothing heavy is imported here."""

from typing import Literal

Format = Literal["tflite-float16", "tflite-int8", "onnx"]
