"""Reads, decodes and measures every picture of a snapshot in a Beam job."""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact, artifact_utils

from components.image_example_gen.measures import measure
from components.image_example_gen.pictures import UnusablePictureError, read_picture
from components.image_example_gen.splits import assign_split, split_key
from trainer_module import features
from trainer_module.errors import InputError

logger = logging.getLogger("carryover.ingestion")

#: Rows of the snapshot that one Beam element stands for; each becomes one shard per split.
CHUNK_ROWS = 1000

INVENTORY = "inventory.json"


@dataclass(frozen=True)
class Chunk:
    """A run of rows in the snapshot file: where it starts, in bytes, and how many there are."""

    index: int
    offset: int
    rows: int


@dataclass(frozen=True)
class Ingestion:
    """What a worker needs to know.

    Attributes:
        data_root: folder or URI that the rows' paths are relative to.
        snapshot: the listing, a JSON object per line.
        outputs: split name -> folder for its shards.
        rejects: folder for the rejected rows.
        shards: number of chunks.
        split: `eval` and `test` shares and `group_by`.
    """

    data_root: str
    snapshot: str
    outputs: dict[str, str]
    rejects: str
    shards: int
    split: dict[str, Any]


class ImageExampleGenExecutor(base_beam_executor.BaseBeamExecutor):
    """Writes sharded TFRecords per split, the rejects, and an inventory of both."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`.

        Raises:
            InputError: no picture of the snapshot is usable.
        """
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        rejects = artifact_utils.get_single_uri(output_dict["rejects"])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples.split_names = artifact_utils.encode_split_names(list(features.SPLITS))
        outputs = {split: f"{examples.uri}/Split-{split}" for split in features.SPLITS}
        for folder in (*outputs.values(), rejects):
            fileio.makedirs(folder)
        snapshot = exec_properties["snapshot"]
        chunks = list(_chunks(snapshot))
        ingestion = Ingestion(
            data_root=exec_properties["data_root"],
            snapshot=snapshot,
            outputs=outputs,
            rejects=rejects,
            shards=len(chunks),
            split=json.loads(exec_properties["split"]),
        )
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create(chunks)
                | "Ingest" >> beam.ParDo(IngestChunk(ingestion))
                | "Count" >> beam.CombinePerKey(sum)
                | "List" >> beam.combiners.ToList()
                | "WriteInventory" >> beam.Map(_write_inventory, f"{rejects}/{INVENTORY}")
            )
        inventory = read_inventory(rejects)
        if not any(row["count"] for row in inventory["examples"]):
            raise InputError(_nothing_usable(ingestion.data_root, inventory))


class IngestChunk(beam.DoFn):
    """Chunk -> its shards on disk, and counts: ((kind, split or reason, domain, label), n)."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    def process(self, chunk: Chunk) -> Iterator[tuple[tuple[str, str, str, str], int]]:
        """Write one shard per split; pictures are decoded by threads, in their order."""
        rows = _read_rows(self._ingestion.snapshot, chunk)
        suffix = f"{chunk.index:05d}-of-{self._ingestion.shards:05d}"
        counts: Counter[tuple[str, str, str, str]] = Counter()
        rejects = []
        with Shards(self._ingestion.outputs, suffix) as shards, ThreadPoolExecutor() as pool:
            for row, outcome in zip(rows, pool.map(self._ingest, rows), strict=True):
                if isinstance(outcome, UnusablePictureError):
                    rejects.append({**row, "reason": str(outcome)})
                    key = ("reject", str(outcome).split(":")[0], row["domain"], row["label"])
                else:
                    split, example = outcome
                    shards.write(split, example)
                    key = ("example", split, row["domain"], row["label"])
                counts[key] += 1
        _write_rows(f"{self._ingestion.rejects}/rejects-{suffix}.jsonl", rejects)
        logger.info("%s of %s parts read", chunk.index + 1, self._ingestion.shards)
        yield from counts.items()

    def _ingest(self, row: dict[str, Any]) -> tuple[str, bytes] | UnusablePictureError:
        try:
            if "reason" in row:
                raise UnusablePictureError(row["reason"])
            content = _read_bytes(f"{self._ingestion.data_root}/{row['path']}")
            return _example(row, content, self._ingestion.split)
        except UnusablePictureError as reason:
            return reason


class Shards:
    """One open TFRecord file per split; they get their names when all are complete."""

    def __init__(self, outputs: dict[str, str], suffix: str) -> None:
        self._paths = {
            split: f"{folder}/data_tfrecord-{suffix}.gz" for split, folder in outputs.items()
        }
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
        self._writers = {
            split: tf.io.TFRecordWriter(f"{path}.part", options)
            for split, path in self._paths.items()
        }

    def __enter__(self) -> "Shards":
        return self

    def write(self, split: str, example: bytes) -> None:
        """Append a serialized tf.Example."""
        self._writers[split].write(example)

    def __exit__(self, failure: object, *_: object) -> None:
        for split, writer in self._writers.items():
            writer.close()
            if failure is None:
                path = self._paths[split]
                fileio.rename(f"{path}.part", path, overwrite=True)


def _example(row: dict[str, Any], content: bytes, split: dict[str, Any]) -> tuple[str, bytes]:
    picture = read_picture(content)
    values: dict[str, Any] = {
        features.IMAGE: picture.encoded,
        features.IMAGE_ID: _text(row["path"]),
        features.DOMAIN: _text(row["domain"]),
        features.LABEL: _text(row["label"]),
        "width": picture.image.width,
        "height": picture.image.height,
        "channels": picture.channels,
        "num_bytes": len(content),
        **measure(picture.image),
    }
    key = split_key(row["path"], content, split["group_by"])
    return assign_split(key, split["eval"], split["test"]), _serialize(values)


def _serialize(values: dict[str, Any]) -> bytes:
    example = tf.train.Example()
    for name, value in values.items():
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example.SerializeToString()


def _text(name: str) -> bytes:
    """File names may hold bytes that are no UTF-8; they come as surrogates and leave as bytes."""
    return name.encode("utf-8", "surrogateescape")


def _read_bytes(path: str) -> bytes:
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except OSError as error:
        raise UnusablePictureError(
            f"cannot be opened: {os.strerror(error.errno) if error.errno else error}"
        ) from None


def _chunks(snapshot: str) -> Iterator[Chunk]:
    """Cut a snapshot into chunks without holding its rows."""
    index, offset, rows, position = 0, 0, 0, 0
    with fileio.open(snapshot, "rb") as file:
        for line in file:
            position += len(line)
            rows += 1
            if rows == CHUNK_ROWS:
                yield Chunk(index, offset, rows)
                index, offset, rows = index + 1, position, 0
    if rows:
        yield Chunk(index, offset, rows)


def _read_rows(snapshot: str, chunk: Chunk) -> list[dict[str, Any]]:
    with fileio.open(snapshot, "rb") as file:
        file.seek(chunk.offset)
        return [json.loads(file.readline()) for _ in range(chunk.rows)]


def _write_rows(path: str, rows: Iterable[dict[str, Any]]) -> None:
    with fileio.open(path, "w") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def _write_inventory(counts: list[tuple[tuple[str, str, str, str], int]], path: str) -> None:
    names = {"example": ("examples", "split"), "reject": ("rejects", "reason")}
    inventory: dict[str, list[dict[str, Any]]] = {"examples": [], "rejects": []}
    for (kind, what, domain, label), count in sorted(counts):
        group, name = names[kind]
        inventory[group].append({name: what, "domain": domain, "label": label, "count": count})
    with fileio.open(path, "w") as file:
        file.write(json.dumps(inventory, indent=1))


def read_inventory(rejects_uri: str) -> dict[str, list[dict[str, Any]]]:
    """Counts of a finished ingestion.

    Args:
        rejects_uri: URI of the `rejects` artifact.

    Returns:
        `examples`: rows of split, domain, label, count; `rejects`: rows of reason, domain,
        label, count.
    """
    with fileio.open(f"{rejects_uri}/{INVENTORY}", "r") as file:
        return json.loads(file.read())


def read_rejects(rejects_uri: str) -> list[dict[str, Any]]:
    """Rejected rows of the snapshot, each with its `reason`."""
    rows: list[dict[str, Any]] = []
    for path in sorted(fileio.glob(f"{rejects_uri}/rejects-*.jsonl")):
        with fileio.open(path, "r") as file:
            rows.extend(json.loads(line) for line in file.read().splitlines())
    return rows


def _nothing_usable(data_root: str, inventory: dict[str, list[dict[str, Any]]]) -> str:
    reasons = sorted({row["reason"] for row in inventory["rejects"]})
    return (
        f"no file under {data_root} is a usable picture. Expected <domain>/<class>/<picture>. "
        f"Reasons: {', '.join(reasons) or 'there are no files'}"
    )
