"""Converts a classifier to the formats of small devices and of other runtimes."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.classifier import Classifier
from trainer_module.compat.tensorflow_internals import frozen_function
from trainer_module.contract.errors import InputError
from trainer_module.contract.example_features import ACCEPTED, NOVELTY, PROBABILITIES
from trainer_module.export.acceptance_rule import AcceptanceRule
from trainer_module.export.export_formats import Format

#: Name of the input of a converted model.
PIXELS = "pixels"

#: Names of the outputs, in the order of the converted model.
OUTPUTS = (PROBABILITIES, NOVELTY, ACCEPTED)

#: Version of the ONNX operators, old enough for the runtimes of recent years.
OPSET = 17

FloatArray: TypeAlias = npt.NDArray[np.float32]

#: Outputs of a converted model by name, in the order in which the model has them: `probabilities`,
#: float32 [batch, classes], and with an acceptance rule `novelty`, float32 [batch], and `accepted`,
#: bool [batch].
Outputs: TypeAlias = dict[str, npt.NDArray[Any]]

#: Function of RGB pixels 0..255, float32 [batch, size, size, 3], that returns outputs.
Predict: TypeAlias = Callable[[FloatArray], Outputs]


def convert(
    classifier: Classifier,
    temperature: float,
    form: Format,
    sample: FloatArray,
    rule: AcceptanceRule | None = None,
) -> tuple[bytes, Predict]:
    """Convert a classifier. The converted model does not decode and resize pictures.

    Args:
        classifier: Classifier with float32 weights.
        temperature: Number by which logits are divided before the softmax.
        form: Format to convert to. `tflite-float16` stores the weights in half precision;
            `tflite-int8` also computes in 8 bit, with the value ranges of `sample`.
        sample: Representative pictures, RGB 0..255, float32 [rows, size, size, 3].
        rule: Rule for the outputs `novelty` and `accepted`; None for probabilities only.

    Returns:
        The content of the file, and a function that runs the converted model.

    Raises:
        InputError: The format needs a package that is not installed.
    """
    size = classifier.backbone.image_size

    signature = [tf.TensorSpec([None, size, size, 3], tf.float32, name=PIXELS)]

    @tf.function(input_signature=signature)
    def classify(pixels: tf.Tensor) -> tuple[tf.Tensor, ...]:
        embeddings = classifier.backbone.model(pixels, training=False)
        logits = classifier.head(embeddings, training=False)
        probabilities = tf.nn.softmax(logits / temperature)
        if rule is None:
            return (probabilities,)
        checks = rule.outputs(embeddings, probabilities, in_8_bit=form == "tflite-int8")
        return probabilities, checks[NOVELTY], checks[ACCEPTED]

    if form == "onnx":
        return _onnx(classify)
    return _tflite(classify, classifier, form, sample)


def _tflite(
    classify: Any, classifier: Classifier, form: Format, sample: FloatArray
) -> tuple[bytes, Predict]:
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
    [given], wanted = interpreter.get_input_details(), interpreter.get_output_details()

    def predict(pixels: FloatArray) -> Outputs:
        interpreter.resize_tensor_input(given["index"], pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], pixels)
        interpreter.invoke()
        return _named([interpreter.get_tensor(one["index"]) for one in wanted])

    return content, predict


def _onnx(classify: Any) -> tuple[bytes, Predict]:
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"onnx needs {error.name}, which is not installed. Run: pip install tf2onnx onnxruntime"
        ) from None
    # tf2onnx takes a tensor that a layer keeps, such as the positions of a ViT, for an input.
    function = frozen_function(classify.get_concrete_function())
    model, _ = tf2onnx.convert.from_graph_def(
        function.graph.as_graph_def(add_shapes=True),
        input_names=[f"{PIXELS}:0"],
        output_names=[output.name for output in function.outputs],
        tensors_to_rename={f"{PIXELS}:0": PIXELS},
        opset=OPSET,
        custom_op_handlers={"Erfc": (_write_erfc, [])},
    )
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return content, lambda pixels: _named(session.run(None, {PIXELS: pixels}))


def _write_erfc(graph: Any, node: Any, *_: Any) -> None:
    """Write `Erfc`, with which newer TensorFlow computes GELU and which ONNX lacks, as 1 - Erf."""
    shapes, dtypes = node.output_shapes, node.output_dtypes
    graph.remove_node(node.name)
    error = graph.make_node("Erf", node.input, shapes=shapes, dtypes=dtypes)
    one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
    terms = [one.output[0], error.output[0]]
    graph.make_node("Sub", terms, name=node.name, outputs=node.output, shapes=shapes, dtypes=dtypes)


def _named(outputs: list[npt.NDArray[Any]]) -> Outputs:
    """Return the outputs of a converted model, which come in order, by name."""
    return dict(zip(OUTPUTS, outputs, strict=False))  # without a rule there is only the first
