"""The undocumented names of TensorFlow that we use, as the installed TensorFlow has them."""

import pytest
from private_names import require

from trainer_module.compat.tensorflow_internals import ATOMIC_FUNCTION

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
