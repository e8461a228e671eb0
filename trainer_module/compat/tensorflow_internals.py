"""What we use of TensorFlow beyond its documented API. Nothing else of ours may use it directly.

`tests/trainer_module/compat/test_tensorflow_internals.py` fails when a new TensorFlow moves it.
"""

import sys
from typing import Any

ATOMIC_FUNCTION = "tensorflow.python.eager.polymorphic_function.atomic_function"


def keep_functions() -> None:
    """Keep TensorFlow from deleting its functions while the interpreter ends.

    Their `__del__` then uses modules that Python has cleared already, and Python reports that as
    "Exception ignored in", with a traceback, after a command has succeeded. Without TensorFlow,
    there is nothing to do.
    """
    module = sys.modules.get(ATOMIC_FUNCTION)
    if module is not None:
        module.AtomicFunction.__del__ = lambda function: None


def frozen_function(function: Any) -> Any:
    """Return a concrete function in which all values that it captured are constants.

    Args:
        function: Concrete function, which captures variables and eager tensors.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(
        function, lower_control_flow=False, aggressive_inlining=True
    )
