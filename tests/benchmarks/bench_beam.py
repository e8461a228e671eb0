"""How many pictures a second go through the data components on each engine?

The same small pictures go from ImageExampleGen to the end of Transform: in this process, in several
processes, and on a Flink cluster of one and of two task managers on this machine.

    python tests/benchmarks/bench_beam.py [PICTURES]
"""

import json
import sys
import tempfile
from pathlib import Path

from measured import ROOT, run_data_steps

sys.path.insert(0, str(ROOT / "tests" / "helpers"))
sys.path.insert(0, str(ROOT / "tests" / "flink"))

import flink_cluster
from flink_cluster import FlinkCluster
from hard_tree import many_pictures

DIRECT = {
    "direct, in memory": {"workers": 1},
    "direct, 2 processes": {"workers": 2},
}
SHOWN = ("ImageExampleGen", "StatisticsGen", "Transform", "total")


def main(count: int = 20_000) -> int:
    """Measure and print each."""
    print(f"{count:,} pictures; pictures a second:")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        many_pictures(data, count)
        for name, beam in DIRECT.items():
            measure(name, data, beam)
        if why := flink_cluster.missing():
            print(f"no Flink: {why}")
            return 0
        flink_cluster.fetch()
        for task_managers in (1, 2):
            with FlinkCluster(Path(folder, f"flink-{task_managers}"), task_managers) as cluster:
                beam = {"runner": "flink", "options": cluster.options}
                measure(f"Flink, {task_managers} task manager(s)", data, beam)
    return 0


def measure(name: str, data: Path, beam: dict[str, object]) -> None:
    """Run the components once, and print what they did in a second."""
    result = run_data_steps(data, "image_size=64", f"beam={json.dumps(beam)}")
    rates = (f"{part} {result['pictures'] / result['seconds'][part]:,.0f}" for part in SHOWN)
    print(f"{name:<26}{', '.join(rates)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
