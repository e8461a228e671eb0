"""The undocumented parts of TFX's Transform that are replaced, and that TFX still asks for them."""

import inspect

import pytest
from private_names import require

from components.compat.tfx_transform import (
    TransformExecutor,
    UncompressedTransformProcessor,
    replaced_processor,
)

pytestmark = pytest.mark.component

USED_IN = "components/compat/tfx_transform.py"
EXECUTOR = "tfx.components.transform.executor"


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (f"{EXECUTOR}:Executor.Do", ("input_dict", "output_dict", "exec_properties")),
        (f"{EXECUTOR}:TransformProcessor.Transform", ("inputs", "outputs", "status_file")),
        (f"{EXECUTOR}:TransformProcessor._GetDesiredBatchSize", ("data_format", "schema")),
        (f"{EXECUTOR}:TransformProcessor._EncodeAndWrite", ()),
        (f"{EXECUTOR}:TransformProcessor._RecordBatchToExamplesFn", ("schema",)),
        ("tfx.components.transform.labels:FORMAT_TFRECORD", ()),
    ],
)
def test_tfx_has_the_name(path, parameters):
    require(path, USED_IN, parameters)


@pytest.mark.parametrize(
    ("caller", "call"),
    [
        (TransformExecutor.Do, "TransformProcessor()"),
        (UncompressedTransformProcessor, "self._GetDesiredBatchSize("),
        (UncompressedTransformProcessor, "self._EncodeAndWrite("),
    ],
)
def test_tfx_calls_what_we_replace(caller, call):
    owner = caller.__mro__[1] if inspect.isclass(caller) else caller
    assert call in inspect.getsource(owner), f"{owner} no longer calls {call}. Change {USED_IN}."


def test_the_processor_is_replaced_while_the_block_runs():
    module = require(EXECUTOR, USED_IN)
    original = module.TransformProcessor
    with replaced_processor(lambda: UncompressedTransformProcessor(7)):
        assert module.TransformProcessor()._GetDesiredBatchSize(0, None) == 7
    assert module.TransformProcessor is original


def test_another_file_format_than_tfrecords_is_refused():
    import apache_beam as beam

    with pytest.raises(ValueError, match="Received: parquet"):
        (
            beam.Pipeline()
            | beam.Create([])
            | UncompressedTransformProcessor._EncodeAndWrite(None, "parquet", "unused")
        )
