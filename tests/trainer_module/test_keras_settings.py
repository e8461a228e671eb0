"""Settings of Keras that belong to the user have no influence on a training."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

pytestmark = pytest.mark.component

PROGRAM = """
import json
from trainer_module.hardware import set_up_hardware
import keras
import tensorflow as tf

set_up_hardware("float32")
layer = keras.layers.Conv2D(2, 3)
output = layer(tf.ones([1, 8, 8, 3]))
print(json.dumps({
    "backend": keras.backend.backend(),
    "shape": list(output.shape),
    "dtype": output.dtype.name,
    "floatx": keras.config.floatx(),
    "epsilon": keras.config.epsilon(),
    "keras": tf.keras.__version__.partition(".")[0],
}))
"""

EXPECTED = {
    "backend": "tensorflow",
    "shape": [1, 6, 6, 2],
    "dtype": "float32",
    "floatx": "float32",
    "epsilon": 1e-7,
    "keras": "3",
}


def settings(home: Path, **environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT), "KERAS_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


#: Each takes a process, so the variables are tested along with a file.
CASES = {
    "channels first, and a variable of Keras 2": (
        '{"image_data_format": "channels_first", "backend": "tensorflow"}',
        {"TF_USE_LEGACY_KERAS": "1"},
    ),
    "half and jax": ('{"floatx": "float16", "epsilon": 0.1, "backend": "jax"}', {}),
    "double and torch": (
        '{"floatx": "float64", "image_data_format": "channels_first", "backend": "torch"}',
        {},
    ),
    "damaged, and a variable of Keras 3": ("{", {"KERAS_BACKEND": "jax"}),
}


@pytest.mark.parametrize(("content", "variables"), CASES.values(), ids=CASES)
def test_neither_the_keras_json_nor_the_variables_of_the_user_apply(tmp_path, content, variables):
    (tmp_path / "keras.json").write_text(content)
    assert settings(tmp_path, **variables) == EXPECTED
