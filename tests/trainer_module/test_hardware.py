"""Devices can only be divided before TensorFlow starts, so each case has a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

TWO_DEVICES = """
import json, sys, tensorflow as tf
from dataclasses import replace
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from trainer_fixtures import fn_args
from trainer_module import hardware, training
from trainer_module.export import read_description

def two_cpus(precision):
    found = hardware.set_up_hardware(precision)
    strategy = hardware.strategy_for([d.name for d in tf.config.list_logical_devices("CPU")])
    return replace(found, strategy=strategy)

training.set_up_hardware = two_cpus
args = fn_args(Path(sys.argv[1]), {})
training.run_fn(args)
replicas = hardware.strategy_for(["/cpu:0", "/cpu:1"]).num_replicas_in_sync
print(json.dumps({"replicas": replicas, **read_description(args.serving_model_dir)["training"]}))
"""

MIXED = """
import json, sys
from pathlib import Path
from trainer_fixtures import fn_args
from trainer_module import training
from trainer_module.export import read_description

args = fn_args(Path(sys.argv[1]), {"precision": "mixed_bfloat16"})
training.run_fn(args)
print(json.dumps(read_description(args.serving_model_dir)["training"]))
"""


def run(code: str, folder: Path) -> dict:
    command = [sys.executable, "-c", code, str(folder)]
    paths = {"PYTHONPATH": f"{ROOT}:{HERE}", "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=paths, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_devices_train_the_same_two_stages(tmp_path):
    report = run(TWO_DEVICES, tmp_path)
    assert report["replicas"] == 2
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2


@pytest.mark.slow
def test_mixed_precision_trains_and_exports(tmp_path):
    report = run(MIXED, tmp_path)
    assert "mixed_bfloat16" in report["device"]
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2
