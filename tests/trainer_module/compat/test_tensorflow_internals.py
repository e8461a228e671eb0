"""The undocumented names of TensorFlow that we use, as the installed TensorFlow has them."""

import pytest
from private_names import require

from trainer_module.compat.tensorflow_internals import ATOMIC_FUNCTION, frozen_function

pytestmark = pytest.mark.component

USED_IN = "trainer_module/compat/tensorflow_internals.py"

#: Ends with functions that are still alive, and with what they need gone.
PROGRAM = """
import sys
from trainer_module.compat.tensorflow_internals import ATOMIC_FUNCTION, keep_functions

keep_functions()  # without TensorFlow
import tensorflow as tf

two = tf.constant(2)
kept = [tf.function(lambda x: x + number).get_concrete_function(two) for number in (1, 2)]
print([int(one(two)) for one in kept])
if sys.argv[1] == "keep":
    keep_functions()
sys.modules[ATOMIC_FUNCTION].RUNTIME_FUNCTION_REFS.clear()
"""


def test_the_class_with_the_del_method_is_where_we_look_for_it():
    require(f"{ATOMIC_FUNCTION}:AtomicFunction.__del__", USED_IN)


@pytest.mark.parametrize("action", ["keep", "leave"])
def test_functions_that_live_until_the_end_are_no_reason_for_messages(run_python, action):
    done = run_python("-c", PROGRAM, action)
    assert (done.returncode, done.stdout) == (0, "[3, 4]\n")
    assert ("Exception ignored in" in done.stderr) == (action == "leave")


def test_a_frozen_function_has_no_inputs_but_those_of_its_signature():
    import tensorflow as tf

    require(
        "tensorflow.python.framework.convert_to_constants:convert_variables_to_constants_v2",
        USED_IN,
        ("func", "lower_control_flow", "aggressive_inlining"),
    )
    variable, kept = tf.Variable(3.0), tf.range(200)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def add(number: tf.Tensor) -> tf.Tensor:
        return tf.cast(number + kept[199], tf.float32) * variable

    function = add.get_concrete_function()
    assert len(function.inputs) == 3
    frozen = frozen_function(function)
    assert len(frozen.inputs) == 1
    assert float(frozen(tf.constant(1))[0]) == 600
