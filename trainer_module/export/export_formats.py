"""Formats that a model can be exported to; importable without TensorFlow."""

from typing import Literal

#: Formats that a classifier is converted to.
Format = Literal["tflite-float16", "tflite-int8", "onnx"]

#: All formats of `carryover export`; `saved-model` is a copy of the version.
ExportFormat = Literal["tflite-float16", "tflite-int8", "onnx", "saved-model"]
