"""Reads, decodes and measures every picture of a listing in a Beam job."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact, artifact_utils

from components.image_example_gen.ingestion import Destination, ingest_rows
from components.image_example_gen.inventory import Inventory, write_inventory
from components.image_example_gen.settlement import settle_splits
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError

logger = logging.getLogger("carryover.ingestion")

#: Rows of the listing that one Beam element stands for; each becomes one shard per split.
CHUNK_ROWS = 1000


@dataclass(frozen=True)
class Chunk:
    """A run of rows in the listing: where it starts, in bytes, and how many there are."""

    index: int
    offset: int
    rows: int


class ImageExampleGenExecutor(base_beam_executor.BaseBeamExecutor):
    """Writes sharded TFRecords per split, a catalog of them, the rejects, and an inventory."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`.

        Raises:
            InputError: no picture of the listing is usable.
        """
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples.split_names = artifact_utils.encode_split_names(list(example_features.SPLITS))
        destination = Destination(
            examples=examples.uri,
            catalog=artifact_utils.get_single_uri(output_dict["catalog"]),
            rejects=artifact_utils.get_single_uri(output_dict["rejects"]),
        )
        for folder in destination.folders():
            fileio.makedirs(folder)
        listing, data_root = exec_properties["snapshot"], exec_properties["data_root"]
        chunks = list(_chunks(listing))
        ingest = IngestChunk(
            data_root, listing, len(chunks), destination, json.loads(exec_properties["split"])
        )
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | "Chunks" >> beam.Create(chunks) | "Ingest" >> beam.ParDo(ingest)
        settle_splits(destination)
        inventory = write_inventory(destination.catalog, destination.rejects)
        if not inventory["examples"]:
            raise InputError(_nothing_usable(data_root, inventory))


class IngestChunk(beam.DoFn):
    """Chunk -> its shards, its part of the catalog and its rejects on disk."""

    def __init__(
        self,
        data_root: str,
        listing: str,
        chunks: int,
        destination: Destination,
        split: dict[str, Any],
    ) -> None:
        """Tell a worker what it needs to know.

        Args:
            data_root: folder or URI that the rows' paths are relative to.
            listing: a JSON object per line.
            chunks: in all.
            destination: where the results go.
            split: `eval` and `test` shares and `group_by`.
        """
        self._data_root = data_root
        self._listing = listing
        self._chunks = chunks
        self._destination = destination
        self._split = split

    def process(self, chunk: Chunk) -> None:
        """Ingest one chunk."""
        rows = _read_rows(self._listing, chunk)
        suffix = f"{chunk.index:05d}-of-{self._chunks:05d}"
        ingest_rows(rows, self._data_root, self._split, self._destination, suffix)
        logger.info("%s of %s parts read", chunk.index + 1, self._chunks)


def _chunks(listing: str) -> Iterator[Chunk]:
    """Cut a listing into chunks without holding its rows."""
    index, offset, rows, position = 0, 0, 0, 0
    with fileio.open(listing, "rb") as file:
        for line in file:
            position += len(line)
            rows += 1
            if rows == CHUNK_ROWS:
                yield Chunk(index, offset, rows)
                index, offset, rows = index + 1, position, 0
    if rows:
        yield Chunk(index, offset, rows)


def _read_rows(listing: str, chunk: Chunk) -> list[dict[str, Any]]:
    with fileio.open(listing, "rb") as file:
        file.seek(chunk.offset)
        return [json.loads(file.readline()) for _ in range(chunk.rows)]


def _nothing_usable(data_root: str, inventory: Inventory) -> str:
    reasons = sorted({row["reason"] for row in inventory["rejects"]})
    return (
        f"no file under {data_root} is a usable picture. Expected <domain>/<class>/<picture>. "
        f"Reasons: {', '.join(reasons) or 'there are no files'}"
    )
