"""Does memory grow with the number of pictures, and how many a second go through?

Generates 10,000 and 100,000 small pictures, and runs ImageExampleGen, StatisticsGen, the data gate
and Transform on each. Exits with 1 when the peak grows by more than half.

    python tests/benchmarks/bench_ingest.py [FEW [MANY]]
"""

import sys
import tempfile
from pathlib import Path

from measured import ROOT, run_data_steps

sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from hard_tree import many_pictures

LIMIT = 1.5


def main(few: int = 10_000, many: int = 100_000) -> int:
    """Measure both, print both, and compare."""
    peaks = []
    for count in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data")
            many_pictures(data, count)
            result = run_data_steps(data, "image_size=64")
        peaks.append(result["peak_mib"])
        parts = ", ".join(
            f"{name} {count / seconds:,.0f}"
            for name, seconds in result["seconds"].items()
            if name in ("ImageExampleGen", "StatisticsGen", "Transform", "total")
        )
        print(f"{count:,} pictures: peak {peaks[-1]:,.0f} MiB; pictures a second: {parts}")
    growth = peaks[1] / peaks[0]
    print(f"peak of {many:,} against {few:,} pictures: {growth:.2f} (limit {LIMIT})")
    return int(growth > LIMIT)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
