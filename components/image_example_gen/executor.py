"""Reads, decodes and measures the pictures of a listing in a Beam job."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import declare_tf_examples, make_beam_pipeline
from components.image_example_gen.ingestion import Destination, ingest_rows
from components.image_example_gen.inventory import Inventory, read_rejects, write_inventory
from components.image_example_gen.split_correction import correct_splits
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import locate
from trainer_module.contract.output_text.wording import counted

logger = logging.getLogger("carryover.ingestion")

#: Rows of the listing in one Beam element; a chunk becomes one shard per split.
CHUNK_ROWS = 1000


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of the listing.

    Attributes:
        index: Number of the chunk, from 0.
        offset: Position of its first row in the file, in bytes.
        rows: Number of rows.
    """

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
            InputError: No picture of the listing is usable.
            UnavailableError: Files have become unreadable since they were listed.
        """
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        declare_tf_examples(examples)
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
            data_root,
            listing,
            len(chunks),
            destination,
            json.loads(exec_properties["split"]),
            exec_properties["max_file_bytes"],
        )
        with make_beam_pipeline(self) as pipeline:
            _ = pipeline | "Chunks" >> beam.Create(chunks) | "Ingest" >> beam.ParDo(ingest)
        _check_none_lost(destination.rejects, data_root)
        correct_splits(destination)
        inventory = write_inventory(destination.catalog, destination.rejects)
        if not inventory["examples"]:
            raise InputError(_nothing_usable(data_root, inventory))


class IngestChunk(beam.DoFn):
    """Writes the shards, the part of the catalog and the rejects of one chunk."""

    def __init__(
        self,
        data_root: str,
        listing: str,
        num_chunks: int,
        destination: Destination,
        split: dict[str, Any],
        max_file_bytes: int,
    ) -> None:
        """Configure the function for all workers.

        Args:
            data_root: Folder or URI that the paths of the listing are relative to.
            listing: Path of the listing, JSON lines of `ListingRow`.
            num_chunks: Number of all chunks.
            destination: Artifacts to write to.
            split: Options `eval`, `test` and `group_by`.
            max_file_bytes: Size of a file, in bytes, above which it is rejected.
        """
        self._data_root = data_root
        self._listing = listing
        self._num_chunks = num_chunks
        self._destination = destination
        self._split = split
        self._max_file_bytes = max_file_bytes

    def process(self, chunk: Chunk) -> None:
        """Ingest one chunk."""
        rows = _read_rows(self._listing, chunk)
        suffix = f"{chunk.index:05d}-of-{self._num_chunks:05d}"
        ingest_rows(
            rows, self._data_root, self._split, self._max_file_bytes, self._destination, suffix
        )
        logger.info("%s of %s parts read", chunk.index + 1, self._num_chunks)


def _check_none_lost(rejects: str, data_root: str) -> None:
    """Stop where files have become unreadable since they were listed.

    As rejects, they would be missing in every run that takes this ingestion from the cache, even
    when they can be read again: the listing, and so the identity, is the same.

    Args:
        rejects: URI of the `rejects` artifact.
        data_root: Folder or URI that the paths are relative to.

    Raises:
        UnavailableError: There are such files.
    """
    lost = [row for row in read_rejects(rejects) if row.get("lost")]
    if lost:
        raise UnavailableError(
            f"{counted(len(lost), 'file')} cannot be read any more; the first is "
            f"{locate(data_root, lost[0]['path'])} ({lost[0]['reason']}). Mount the disk, restore "
            "the files or remove those that are damaged, and give the command again."
        )


def _chunks(listing: str) -> Iterator[Chunk]:
    """Divide a listing into chunks without keeping its rows in memory."""
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


def _read_rows(listing: str, chunk: Chunk) -> list[ListingRow]:
    """Return the rows of a chunk."""
    with fileio.open(listing, "rb") as file:
        file.seek(chunk.offset)
        return [json.loads(file.readline()) for _ in range(chunk.rows)]


def _nothing_usable(data_root: str, inventory: Inventory) -> str:
    """Return the message of the error that no file is a usable picture."""
    reasons = sorted({row["reason"] for row in inventory["rejects"]})
    return (
        f"no file under {data_root} is a usable picture. Expected <domain>/<class>/<picture>. "
        f"Reasons: {', '.join(reasons) or 'there are no files'}"
    )
