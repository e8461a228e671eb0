"""What our components use of TFX beyond its documented API. Nothing else may use it directly.

Documented are `tfx.v1` and what TFX's guide to custom components imports. Compiling and launching
pipelines is in `tfx_orchestration`, Transform's processor in `tfx_transform`, because a module that
only needs a path should not import them. `tests/components/compat/test_tfx_internals.py` fails when
a new TFX moves any of what is used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfx.utils import io_utils, path_utils

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.types.artifact import Artifact

# Modules below `tfx.components` are imported where they are used: the package imports TFMA, TFT and
# all of TFX's components.


def serving_model_path(model_uri: str) -> str:
    """Return the folder of the SavedModel in a `Model` artifact.

    Args:
        model_uri: URI of the artifact.
    """
    # TFX's Trainer chooses the folder; its documentation does not name it.
    return str(path_utils.serving_model_path(model_uri))


def is_model_blessed(blessing: Artifact) -> bool:
    """Return whether the Evaluator blessed a model.

    Args:
        blessing: `ModelBlessing` artifact.
    """
    from tfx.components.util import model_utils

    # The property in which the Evaluator writes its decision is known to this function alone.
    return bool(model_utils.is_model_blessed(blessing))


def bless_model(
    blessing: Artifact, model: Artifact, baseline: Artifact | None, is_blessed: bool
) -> None:
    """Record whether a model is blessed, as TFX's Evaluator does.

    Args:
        blessing: `ModelBlessing` artifact to write.
        model: `Model` artifact that it is about.
        baseline: `Model` artifact that the model was compared with; None without one.
        is_blessed: Whether the model is blessed.
    """
    # TFX's Pusher, resolvers and tools find the models by these properties and the file.
    from tfx.components.evaluator import constants

    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline is not None:
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri
        )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id
        )
    name, value = (
        (constants.BLESSED_FILE_NAME, constants.BLESSED_VALUE)
        if is_blessed
        else (constants.NOT_BLESSED_FILE_NAME, constants.NOT_BLESSED_VALUE)
    )
    write_string_file(f"{blessing.uri}/{name}", "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)


def declare_tf_examples(examples: Artifact) -> None:
    """Record in an `Examples` artifact that its files hold tf.Examples.

    Args:
        examples: Artifact to change in place.
    """
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2

    # TFX's own example generators record the format with this function; Transform and Evaluator
    # read it back.
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)


def make_beam_pipeline(executor: BaseBeamExecutor) -> Any:
    """Return a new Beam pipeline with the arguments that the TFX pipeline sets.

    Args:
        executor: Executor that runs now.

    Returns:
        A `beam.Pipeline`.
    """
    # Protected, but an executor has no other access to the arguments; all Beam executors of TFX
    # call it.
    return executor._make_beam_pipeline()


def write_string_file(path: str, text: str) -> None:
    """Write a text file through TFX's file systems, and make its folder.

    Args:
        path: Path or URI of the file.
        text: Content of the file.
    """
    # `tfx.v1.utils` exports one other function of this module only.
    io_utils.write_string_file(path, text)


def read_string_file(path: str) -> str:
    """Read a text file through TFX's file systems.

    Args:
        path: Path or URI of the file.

    Raises:
        FileNotFoundError: The file does not exist.
    """
    return str(io_utils.read_string_file(path))


def run_kubeflow_component(arguments: list[str]) -> None:
    """Run a component as TFX's container entry point on Kubeflow Pipelines does.

    Args:
        arguments: Command line, with the name of the program first.
    """
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    # TFX calls `main` through absl, which reads sys.argv. The arguments here are changed ones.
    kubeflow_v2_run_executor.main(kubeflow_v2_run_executor._parse_flags(arguments))
