"""A workspace with a tiny serving model whose traffic was collected."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from tiny_models import LABELS
from tiny_pictures import solid
from tiny_workspace import NAME, shade
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.config.run_config import RunConfig
from pipeline.traffic.monitor_files import monitoring_folder
from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder

#: Seconds between two pictures, and age of the newest one.
STEP, AGE = 1.0, 100.0

#: Program that adds its standard input to the file that it is given.
COPY = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"


def known(count: int, first: int = 1_000) -> list[bytes]:
    """Different pictures as the model knows them."""
    return [solid(shade(LABELS[n % 3], n)) for n in range(first, first + count)]


def unusual(count: int, seed: int = 1) -> list[bytes]:
    """Different dark pictures of colours between those that the model knows."""
    rng = np.random.default_rng(seed)
    return [solid((n, n, int(rng.integers(0, 3)))) for n in 5 + np.arange(count) % 200]


class MonitoredSite:
    """A workspace, an inbox, and traffic."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.inbox = folder / "workspace", folder / "inbox"
        self.inbox.mkdir()

    def write_config(self, **values: object) -> None:
        """Write the config of the run of the serving version."""
        config = RunConfig(name=NAME, data="/data", workspace=self.workspace)
        run = self.workspace / "runs" / "run 1"
        run.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(config.model_dump(mode="json") | values)
        (run / "config.yaml").write_text(text)

    def send(
        self,
        pictures: Sequence[bytes],
        domain: str = "gate",
        age: float = AGE,
        version: int = 1,
        model: str | None = NAME,
    ) -> None:
        """Collect pictures; the last one is so many seconds old."""
        first = time.time() - age - STEP * len(pictures)
        records = [
            TrafficRecord(first + STEP * n, domain, version, image, "red", 0.9, 0.5, True, model)
            for n, image in enumerate(pictures)
        ]
        with TrafficWriter(traffic_folder(self.workspace), 10**9) as writer:
            writer.write(records)


def monitor(site: MonitoredSite, *options: object) -> Result:
    """Run `carryover monitor`, and raise the error that ends it."""
    arguments = ["monitor", "--workspace", str(site.workspace), *map(str, options)]
    done = CliRunner().invoke(app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def move_position(site: MonitoredSite, seconds: float) -> None:
    """Move the time up to which the monitor has read."""
    state = monitoring_folder(site.workspace) / "colours-1.npz"
    arrays = dict(np.load(state))
    header = json.loads(arrays["header"].tobytes())
    header["position"] += seconds
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(state, **arrays)
