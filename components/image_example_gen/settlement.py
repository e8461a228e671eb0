"""Applies what `splits.settle` decides once all pictures are known."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.image_example_gen.catalog import catalog_suffixes, read_part, write_catalog
from components.image_example_gen.ingestion import Destination
from components.image_example_gen.shards import Shards, read_shard
from components.image_example_gen.splits import DIGEST_BYTES, Pictures, settle
from trainer_module.contract import example_features
from trainer_module.contract.example_features import SPLITS

logger = logging.getLogger("carryover.ingestion")

COLUMNS = ["content", "group", example_features.LABEL, example_features.DOMAIN, "split", "given"]


def settle_splits(destination: Destination) -> None:
    """Move the pictures of a finished ingestion whose split is not settled by their own hash.

    Only the chunks concerned are written anew. It takes about 60 bytes of memory per picture.
    """
    suffixes = catalog_suffixes(destination.catalog)
    parts = [read_part(destination.catalog, suffix, COLUMNS) for suffix in suffixes]
    before = _pictures(pa.concat_tables(parts)) if parts else None
    if before is None or not len(before.split):
        return
    after = settle(before)
    ends = np.cumsum([len(part) for part in parts])
    for suffix, end, part in zip(suffixes, ends, parts, strict=True):
        rows = slice(end - len(part), end)
        if not np.array_equal(before.split[rows], after[rows]):
            _rewrite(destination, suffix, after[rows])
    moved = int((before.split != after).sum())
    if moved:
        logger.info("%s pictures moved to the split where they belong", moved)


def _pictures(table: pa.Table) -> Pictures:
    names = {name: code for code, name in enumerate(SPLITS)}
    return Pictures(
        content=_digests(table, "content"),
        group=_digests(table, "group"),
        label=_codes(table, example_features.LABEL),
        domain=_codes(table, example_features.DOMAIN),
        split=np.array([names[split] for split in table["split"].to_pylist()], np.int8),
        given=table["given"].to_numpy(),
    )


def _digests(table: pa.Table, column: str) -> np.ndarray:
    content = b"".join(table[column].to_pylist())
    return np.frombuffer(content, f"S{DIGEST_BYTES}")


def _codes(table: pa.Table, column: str) -> np.ndarray:
    encoded = table[column].combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def _rewrite(destination: Destination, suffix: str, splits: np.ndarray) -> None:
    """Write the shards and the catalog of one chunk with other splits."""
    entries = read_part(destination.catalog, suffix).to_pylist()
    wanted = {
        entry[example_features.IMAGE_ID]: SPLITS[code]
        for entry, code in zip(entries, splits, strict=True)
    }
    with Shards(destination.examples, suffix) as shards:
        for record in _records(destination.examples, suffix):
            shards.write(wanted[_image_id(record)], record)
    write_catalog(
        destination.catalog,
        suffix,
        [entry | {"split": wanted[entry[example_features.IMAGE_ID]]} for entry in entries],
    )


def _records(examples: str, suffix: str) -> Iterator[bytes]:
    for split in SPLITS:
        yield from read_shard(examples, split, suffix)


def _image_id(record: bytes) -> Any:
    example = tf.train.Example.FromString(record)
    return example.features.feature[example_features.IMAGE_ID].bytes_list.value[0]
