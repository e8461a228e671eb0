"""Runs a benchmark's part in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run_data_steps(data: Path, *overrides: str) -> dict[str, Any]:
    """What `data_steps` says of a folder of pictures."""
    command = [sys.executable, str(Path(__file__).with_name("data_steps.py"))]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*command, str(data), *overrides],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])
