"""The rows of a delivery, before its files are copied."""

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path

from pipeline.inputs.csv_table import read_column_names
from pipeline.inputs.folder import MAX_FILES, find_layout, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.manifest import read_manifest
from pipeline.inputs.manifest_columns import describe_missing
from pipeline.inputs.parquet.parquet_rows import read_parquet_names
from pipeline.inputs.sidecar import SIDECAR
from pipeline.inputs.system_files import describe_skipped
from pipeline.retraining.deliveries.inbox import READY, Delivery
from pipeline.retraining.deliveries.late_files import (
    check_allowed,
    check_arrived,
    check_manifest,
    check_stores,
)
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.regular_file import open_regular


def delivered_rows(
    delivery: Delivery, options: LayoutOptions, slices: tuple[str, ...]
) -> tuple[list[ListingRow], str, tuple[str, ...]]:
    """Return the rows of a delivery, the folder that their paths are relative to, and notes.

    Args:
        delivery: Complete delivery.
        options: What is known about the layout of a folder.
        slices: Names of the columns of slices, which are read where the delivery has them.

    Raises:
        UnavailableError: A folder, a store or a manifest is unavailable, or files that the manifest
            names are missing.
        InputError: The delivery is no batch, or is outside of the allowed roots.
    """
    path = os.path.realpath(delivery.path)
    notes: tuple[str, ...] = ()
    if delivery.is_manifest:
        check_manifest(path)
        rows = _limited(read_manifest(path, delivery.roots, slices), path)
        root = posixpath.dirname(path)
        check_allowed(rows, root)
        check_arrived(rows, root)
    else:
        listed: list[ListingRow] = []
        layout = find_layout(Path(path), options, delivery.roots)
        skipped = scan_folder(Path(path), listed.append, layout, delivery.roots, slices)
        rows, root = [row for row in listed if row["path"] != READY], path
        check_allowed(rows, root)
        left_alone = describe_skipped(skipped.ignored)
        notes = (*layout.notes, left_alone) if left_alone else layout.notes
    notes = (*notes, *_missing_columns(delivery, path, rows, slices))
    if not rows:
        folders = "Put pictures into <domain>/<class>/ or <domain>/_unlabelled/"
        remedy = "Add rows" if delivery.is_manifest else folders
        raise InputError(
            f"no picture of the batch is usable: {delivery.source} is empty. {remedy}, and deliver "
            "it again"
        )
    check_stores(rows, root)
    return rows, root, notes


def _missing_columns(
    delivery: Delivery, path: str, rows: list[ListingRow], slices: tuple[str, ...]
) -> list[str]:
    """Return sentences about columns of slices that the manifest or the sidecar lacks."""
    table = path if delivery.is_manifest else posixpath.join(path, SIDECAR)
    valued = {name for row in rows for name in row.get("slices", {})}
    if valued.issuperset(slices) or not os.path.lexists(table):
        return []
    with open_regular(table, delivery.roots.find_fault) as file:
        if table.lower().endswith(".csv"):
            names = read_column_names(file, table, ("path",))
        else:
            names = read_parquet_names(file)
    return describe_missing(slices, names, posixpath.basename(table))


def _limited(rows: Iterable[ListingRow], manifest: str) -> list[ListingRow]:
    """Return the rows of a manifest, which are not more than memory allows."""
    listed: list[ListingRow] = []
    for row in rows:
        if len(listed) == MAX_FILES:
            raise InputError(
                f"manifest {manifest} names more than {MAX_FILES:,} files. Deliver it in several "
                "parts"
            )
        listed.append(row)
    return listed
