"""How much longer do the data components take than a bare loop that only decodes and resizes?

The loop reads, decodes and resizes every file once with tf.data, all cores at work. Against it:
from the start of ImageExampleGen to the end of Transform. Exits with 1 above three times as long.

    python tests/benchmarks/bench_transform.py DATA [IMAGE_SIZE]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from measured import ROOT, run_data_steps

LIMIT = 3.0

#: The loop runs in processes of its own, before and after, and the mean counts: the machine is
#: not equally fast at all times.
LOOP = "--loop"


def main(data: str, image_size: str = "224") -> int:
    """Measure both, print both, and compare."""
    before = run_loop(data, image_size)
    result = run_data_steps(Path(data), f"image_size={image_size}")
    loop = (before + run_loop(data, image_size)) / 2
    ours = result["seconds"]["total"]
    parts = ", ".join(f"{name} {took:.1f}" for name, took in result["seconds"].items())
    print(f"{result['pictures']:,} pictures at {image_size} px; seconds: {parts}")
    print(f"bare loop {loop:.1f} s, components {ours:.1f} s: {ours / loop:.2f} (limit {LIMIT})")
    return int(ours / loop > LIMIT)


def run_loop(data: str, image_size: str) -> float:
    """Seconds of the bare loop."""
    command = [sys.executable, __file__, LOOP, data, image_size]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def loop(data: str, image_size: str) -> None:
    """Read, decode and resize every file once; prints the seconds."""
    import tensorflow as tf

    from trainer_module.data.preprocessing import decode_and_resize

    files = sorted(str(path) for path in Path(data).glob("*/*/*"))

    def read(path: tf.Tensor) -> tf.Tensor:
        return decode_and_resize(tf.io.read_file(path), int(image_size))

    start = time.perf_counter()
    for _ in tf.data.Dataset.from_tensor_slices(files).map(read, tf.data.AUTOTUNE).batch(256):
        pass
    print(time.perf_counter() - start)


if __name__ == "__main__":
    if sys.argv[1] == LOOP:
        loop(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
