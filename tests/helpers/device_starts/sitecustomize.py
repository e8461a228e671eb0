"""Records every start of TensorFlow's devices in a process, on a machine that seems to have a GPU.

Python imports a module of this name when it starts, so each process that inherits PYTHONPATH and
`DEVICE_STARTS` is recorded, whoever starts it. The GPU is one that TensorFlow lists, as long as
CUDA would show it, and that no operation is placed on.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: Variable with the file that gets a line of JSON per start: `command`, the arguments of the
#: process; `gpus`, the number of GPUs that are started; `growth`, whether their memory grows.
VARIABLE = "DEVICE_STARTS"

GPU = b"/physical_device:GPU:0"


def record(gpus: int, allow_growth: bool) -> None:
    """Write down a start of devices.

    Args:
        gpus: Number of GPUs that are started.
        allow_growth: What the caller asks for; the environment variable of TensorFlow wins.
    """
    variable = os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH", "")
    growth = {"true": True, "false": False}.get(variable, allow_growth)
    line = json.dumps({"command": sys.orig_argv, "gpus": gpus, "growth": growth})
    with open(os.environ[VARIABLE], "a") as file:  # noqa: PTH123 (it is imported in every process)
        file.write(f"{line}\n")


def visible_gpus() -> list[bytes]:
    """Return the GPUs that CUDA shows to this process."""
    return [] if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") else [GPU]


def patch_eager_mode(module: ModuleType) -> None:
    """Show the GPU in `pywrap_tfe`, and record the context in which operations run eagerly."""
    new_context, list_devices = module.TFE_NewContext, module.TF_ListPhysicalDevices
    details = module.TF_GetDeviceDetails

    def start(options: Any) -> Any:
        from tensorflow.python.eager import context

        config = context.context().config
        record(config.device_count["GPU"], config.gpu_options.allow_growth)
        return new_context(options)

    module.TFE_NewContext = start
    module.TF_ListPhysicalDevices = lambda: [*list_devices(), *visible_gpus()]
    module.TF_GetDeviceDetails = lambda number: details(number) if number == 0 else {}


def patch_sessions(module: ModuleType) -> None:
    """Record the sessions in which graphs of TensorFlow 1 run."""
    create = module.BaseSession.__init__

    def start(self: Any, target: str = "", graph: Any = None, config: Any = None) -> None:
        if not target:  # the devices of this process
            asked = getattr(config, "_config", config)
            count = asked.device_count.get("GPU", 1) if asked else 1
            growth = bool(asked and asked.gpu_options.allow_growth)
            record(min(count, len(visible_gpus())), growth)
        create(self, target, graph, config)

    module.BaseSession.__init__ = start


def patch_device_list(module: ModuleType) -> None:
    """Record the function that starts all devices to list them."""
    list_devices = module.list_devices

    def start(*config: Any) -> Any:
        record(len(visible_gpus()), allow_growth=False)
        return list_devices(*config)

    module.list_devices = start


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "tensorflow.python.pywrap_tfe": patch_eager_mode,
    "tensorflow.python.client.session": patch_sessions,
    "tensorflow.python.client._pywrap_device_lib": patch_device_list,
}


class PatchingFinder(MetaPathFinder):
    """Import hook that patches modules of TensorFlow after they were imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module to patch, and leave all others to the next finder."""
        if fullname not in PATCHES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec and spec.loader
        execute = spec.loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            PATCHES[fullname](module)

        spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


if VARIABLE in os.environ:
    sys.meta_path.insert(0, PatchingFinder())
