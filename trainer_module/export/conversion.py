"""Classifiers in the formats of small devices and of other runtimes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from trainer_module.classifier import Classifier
from trainer_module.contract.errors import InputError
from trainer_module.export.export_formats import Format

PIXELS = "pixels"

#: Of ONNX, old enough for runtimes of the last years.
OPSET = 17

#: float32 RGB 0-255 [batch, size, size, 3] -> probabilities, float32 [batch, classes].
Run = Callable[[np.ndarray], np.ndarray]


def convert(
    classifier: Classifier, temperature: float, form: Format, sample: np.ndarray
) -> tuple[bytes, Run]:
    """Convert a classifier. Decoding and resizing are left to whoever calls it.

    Args:
        classifier: of float32.
        temperature: that logits are divided by before the softmax.
        form: what to make. `tflite-float16` stores the weights in half precision; `tflite-int8`
            computes in 8 bits too, with the ranges that `sample` shows.
        sample: pictures like those to come, float32 RGB 0-255 [rows, size, size, 3].

    Returns:
        The content of a file, and what calls it.

    Raises:
        InputError: the format needs a package that is not installed.
    """
    size = classifier.backbone.image_size

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32, name=PIXELS)])
    def classify(pixels: tf.Tensor) -> tf.Tensor:
        logits = classifier.head(classifier.backbone.model(pixels, training=False), training=False)
        return tf.nn.softmax(logits / temperature)

    if form == "onnx":
        return _onnx(classify)
    return _tflite(classify, classifier, form, sample)


def _tflite(
    classify: Any, classifier: Classifier, form: Format, sample: np.ndarray
) -> tuple[bytes, Run]:
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [classify.get_concrete_function()], classifier.backbone.model
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "tflite-float16":
        converter.target_spec.supported_types = [tf.float16]
    else:
        converter.representative_dataset = lambda: ([row[None]] for row in sample)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    content = converter.convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    [given], [wanted] = interpreter.get_input_details(), interpreter.get_output_details()

    def run(pixels: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(given["index"], pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], pixels)
        interpreter.invoke()
        return interpreter.get_tensor(wanted["index"])

    return content, run


def _onnx(classify: Any) -> tuple[bytes, Run]:
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"onnx needs {error.name}, which is not installed. Run: pip install 'carryover[onnx]'"
        ) from None
    model, _ = tf2onnx.convert.from_function(classify, classify.input_signature, opset=OPSET)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return content, lambda pixels: session.run(None, {PIXELS: pixels})[0]
