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


@pytest.mark.parametrize(
    "content",
    [
        '{"image_data_format": "channels_first", "backend": "tensorflow"}',
        '{"floatx": "float16", "epsilon": 0.1, "backend": "jax"}',
        '{"floatx": "float64", "image_data_format": "channels_first", "backend": "torch"}',
        "{",
    ],
    ids=["channels first", "half and jax", "double and torch", "damaged"],
)
def test_the_keras_json_of_the_user_does_not_apply(tmp_path, content):
    (tmp_path / "keras.json").write_text(content)
    assert settings(tmp_path) == EXPECTED


@pytest.mark.parametrize("name", ["KERAS_BACKEND", "TF_USE_LEGACY_KERAS"])
def test_variables_for_other_versions_of_keras_do_not_apply(tmp_path, name):
    assert settings(tmp_path, **{name: "1" if name.startswith("TF") else "jax"}) == EXPECTED
