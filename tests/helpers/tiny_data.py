"""Small data sets for the data gate: rows -> artifacts of the components before it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.components.statistics_gen.executor import Executor as StatisticsGenExecutor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_evaluation import at, context
from tiny_models import write_shard

from components.compat.cached_beam_lookups import cached_beam_lookups
from components.data_gate.component import DataFindings
from components.data_gate.executor import DataGateExecutor
from components.data_gate.statistics.baseline_statistics import write_baseline_statistics
from components.data_gate.statistics.statistics_options import statistics_options
from components.data_gate.validation_options import ValidationOptions
from components.image_example_gen.catalog import SCHEMA, write_catalog
from components.image_example_gen.component import ImageCatalog, ImageRejects
from components.image_example_gen.inventory import write_inventory, write_rejects
from trainer_module import data
from trainer_module.contract import example_features

Row = dict[str, Any]

#: Values of pictures that are not given others.
DEFAULTS = {"width": 227, "height": 227, "channels": 3, "num_bytes": 20_000}

LOOK_BYTES = SCHEMA.field("look").type.byte_width

_numbers = count()


def pictures(
    domain: str, label: str, split: str, n: int, factor: float = 1, **changes: Any
) -> list[Row]:
    """Make rows whose measures spread evenly from 0.2 to 0.8, times a factor."""
    rows = []
    for position in range(n):
        measure = factor * (0.2 + 0.6 * (position + 0.5) / n)
        name = f"{domain}/{label}/{next(_numbers)}.png"
        rows.append(
            {
                **DEFAULTS,
                **dict.fromkeys(example_features.MEASURES, measure),
                example_features.IMAGE_ID: name.encode(),
                example_features.DOMAIN: domain,
                example_features.LABEL: label,
                "split": split,
                "content": hashlib.blake2b(name.encode(), digest_size=16).digest(),
                "look": hashlib.shake_256(name.encode()).digest(LOOK_BYTES),
                "rewritten": False,
                "colour_profile": False,
            }
            | changes
        )
    return rows


def in_all_splits(domain: str, label: str, n: int, **changes: Any) -> list[Row]:
    """Make n pictures each in test and eval, and twice as many in train."""
    shares = {"train": 2 * n, "eval": n, "test": n}
    return [
        row
        for split, size in shares.items()
        for row in pictures(domain, label, split, size, **changes)
    ]


@dataclass(frozen=True)
class Data:
    """Artifacts of the components before the data gate."""

    inputs: dict[str, list[Artifact]]

    def uri(self, name: str) -> str:
        return self.inputs[name][0].uri


def prepare(folder: Path, rows: list[Row], rejects: Iterable[Row] = ()) -> Data:
    """Run TFX's StatisticsGen and ExampleValidator over rows, and write catalog and inventory."""
    examples = at(standard_artifacts.Examples(), folder / "examples")
    examples.split_names = json.dumps(example_features.SPLITS)
    for split in example_features.SPLITS:
        chosen = [_example(row) for row in rows if row["split"] == split]
        write_shard(folder / "examples" / f"Split-{split}", chosen)
    statistics = at(standard_artifacts.ExampleStatistics(), folder / "statistics")
    with cached_beam_lookups():  # as in a run
        StatisticsGenExecutor(context(folder)).Do(
            {"examples": [examples]},
            {"statistics": [statistics]},
            {"stats_options_json": statistics_options().to_json(), "exclude_splits": "[]"},
        )
    catalog = at(ImageCatalog(), folder / "catalog")
    rejected = at(ImageRejects(), folder / "rejects")
    write_catalog(catalog.uri, "00000-of-00001", rows)
    write_rejects(rejected.uri, "00000-of-00001", rejects)
    write_inventory(catalog.uri, rejected.uri)
    return Data(
        {
            "statistics": [statistics],
            "anomalies": [_validate(folder, statistics)],
            "catalog": [catalog],
            "rejects": [rejected],
        }
    )


def serving_model(folder: Path, data: Data | None) -> Artifact:
    """Make a serving model, with the statistics of its training data if some are given."""
    (folder / "Format-Serving").mkdir(parents=True)
    if data:
        write_baseline_statistics(data.uri("statistics"), str(folder / "Format-Serving"))
    return at(standard_artifacts.Model(), folder)


def run_gate(
    folder: Path,
    data: Data,
    baseline: Artifact | None = None,
    empty_classes: Iterable[tuple[str, str]] = (),
    **options: Any,
) -> Path:
    """Run the gate and return its output folder. By default no finding stops it."""
    output = at(DataFindings(), folder)
    validation = ValidationOptions(**{"stop_at": "never", **options})
    DataGateExecutor().Do(
        data.inputs | ({"baseline_model": [baseline]} if baseline else {}),
        {"findings": [output]},
        {
            "validation": validation.model_dump_json(),
            "empty_classes": json.dumps(list(empty_classes)),
            "unverified_domains": "[]",
            "code": "code",
        },
    )
    return folder


def _validate(folder: Path, statistics: Artifact) -> Artifact:
    schema = at(standard_artifacts.Schema(), folder / "schema")
    source = Path(data.__file__).with_name("schema.pbtxt")
    (folder / "schema" / "schema.pbtxt").write_bytes(source.read_bytes())
    anomalies = at(standard_artifacts.ExampleAnomalies(), folder / "anomalies")
    ExampleValidatorExecutor().Do(
        {"statistics": [statistics], "schema": [schema]},
        {"anomalies": [anomalies]},
        {"exclude_splits": "[]", "custom_validation_config": None},
    )
    return anomalies


def _example(row: Row) -> bytes:
    example = tf.train.Example()
    for name in example_features.STATISTICS:
        feature, value = example.features.feature[name], row[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example.SerializeToString()
