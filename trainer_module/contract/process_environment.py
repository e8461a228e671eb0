"""Environment variables of our processes: which Keras they get, and how they use GPUs.

`trainer_module` and `components` call `prepare_environment` when they are imported, all programs of
`pipeline` import one of them, and child processes inherit the variables. TensorFlow reads them when
it starts a device, which is later.
"""

import os
import platform
from collections.abc import Mapping
from types import MappingProxyType

#: Variable of TensorFlow: `true` lets the memory that it takes on a GPU grow with the need.
MEMORY_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"

#: Variable of CUDA: the GPUs that a process sees, and its value for none.
VISIBLE_GPUS, NONE_VISIBLE = "CUDA_VISIBLE_DEVICES", "-1"


def prepare_environment() -> None:
    """Set the variables that TensorFlow and Keras read, unless the user has set them."""
    # The export is a SavedModel, so Keras must run on TensorFlow, whatever the user's default is.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # With it, TensorFlow would bring Keras 2, which cannot load our models.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    # Otherwise the first process that starts TensorFlow takes all memory of a GPU, and a server
    # beside a training, or the next process of a run, has none.
    # TensorFlow takes any other spelling for its default: all memory.
    is_off = os.environ.get(MEMORY_GROWTH, "").lower() in ("false", "0")
    os.environ[MEMORY_GROWTH] = "false" if is_off else "true"
    # TensorFlow uses oneDNN of its own accord on CPUs with AVX-512 alone. On others a forward pass
    # takes 0.6 of the time with it.
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def environment_without_gpu(
    variables: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the environment of a child process that must not touch a GPU.

    Another process may have all of its memory, and even a process that computes nothing on a GPU
    takes some hundred MB of it when TensorFlow starts the device.

    Args:
        variables: Further variables to set.
    """
    return {**os.environ, VISIBLE_GPUS: NONE_VISIBLE, **variables}
