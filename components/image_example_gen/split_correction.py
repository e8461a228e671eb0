"""Moves pictures to their final split after all chunks have been ingested."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from components.image_example_gen.catalog import catalog_suffixes, read_part, write_catalog
from components.image_example_gen.ingestion import Destination
from components.image_example_gen.shards import Shards, read_shard
from components.image_example_gen.splits import SplitInputs, final_splits
from trainer_module.contract import example_features
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import DIGEST_BYTES

logger = logging.getLogger("carryover.ingestion")

#: Columns of the catalog that the final splits depend on.
COLUMNS = [
    "content",
    "group",
    example_features.LABEL,
    example_features.DOMAIN,
    "split",
    "given",
    "known",
    "fold",
]


def correct_splits(destination: Destination) -> None:
    """Move the pictures whose final split is not the one that their own hash assigned.

    Only the chunks that hold such pictures are rewritten. It takes about 60 bytes of memory per
    picture, and 400 where a class or a domain lacks a split.

    Args:
        destination: Artifacts of a complete ingestion.
    """
    suffixes = catalog_suffixes(destination.catalog)
    parts = [read_part(destination.catalog, suffix, COLUMNS) for suffix in suffixes]
    assigned = _split_inputs(pa.concat_tables(parts)) if parts else None
    if assigned is None or not len(assigned.split):
        return
    final = final_splits(assigned)
    ends = np.cumsum([len(part) for part in parts])
    for suffix, end, part in zip(suffixes, ends, parts, strict=True):
        rows = slice(end - len(part), end)
        if not np.array_equal(assigned.split[rows], final[rows]):
            _rewrite_chunk(destination, suffix, final[rows])
    moved = int((assigned.split != final).sum())
    if moved:
        logger.info("%s pictures moved to the split of their copies, class or domain", moved)


def _split_inputs(table: pa.Table) -> SplitInputs:
    codes = {name: code for code, name in enumerate(SPLITS)}
    return SplitInputs(
        content=_digests(table, "content"),
        group=_digests(table, "group"),
        label=_codes(table, example_features.LABEL),
        domain=_codes(table, example_features.DOMAIN),
        split=np.array([codes[split] for split in table["split"].to_pylist()], np.int8),
        given=table["given"].to_numpy(),
        known=table["known"].to_numpy(),
        cross_fitted=table["fold"].is_valid().to_numpy(),
    )


def _digests(table: pa.Table, column: str) -> npt.NDArray[np.bytes_]:
    content = b"".join(table[column].to_pylist())
    return np.frombuffer(content, f"S{DIGEST_BYTES}")


def _codes(table: pa.Table, column: str) -> npt.NDArray[np.int32]:
    encoded = table[column].combine_chunks().dictionary_encode()
    codes: npt.NDArray[np.int32] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return codes


def _rewrite_chunk(destination: Destination, suffix: str, splits: npt.NDArray[np.int_]) -> None:
    """Rewrite the shards and the catalog of one chunk with other splits."""
    entries = read_part(destination.catalog, suffix).to_pylist()
    split_of = {
        entry[example_features.IMAGE_ID]: SPLITS[code]
        for entry, code in zip(entries, splits, strict=True)
    }
    with Shards(destination.examples, suffix) as shards:
        for record in _records(destination.examples, suffix):
            shards.write(split_of[_image_id(record)], record)
    write_catalog(
        destination.catalog,
        suffix,
        [entry | {"split": split_of[entry[example_features.IMAGE_ID]]} for entry in entries],
    )


def _records(examples: str, suffix: str) -> Iterator[bytes]:
    for split in SPLITS:
        yield from read_shard(examples, split, suffix)


def _image_id(record: bytes) -> Any:
    example = tf.train.Example.FromString(record)
    return example.features.feature[example_features.IMAGE_ID].bytes_list.value[0]
