"""The pictures behind a serving version, kept with it: the next run goes on from there."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.locations import locate

#: Below the folder of a SavedModel.
FILE = "assets.extra/pictures.parquet"

#: Location (relative to the workspace, absolute, or a URI; it may hold bytes that are no UTF-8),
#: what the picture is, its split, and the digest of its file.
SCHEMA = pa.schema(
    [
        ("location", pa.binary()),
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        ("split", pa.string()),
        ("content", pa.binary(16)),
    ]
)

COLUMNS = [
    example_features.IMAGE_ID,
    example_features.DOMAIN,
    example_features.LABEL,
    "split",
    "content",
]


def write_data_set(
    catalog_uri: str, data_root: str, workspace: Path, model: Path, before: Path | None
) -> None:
    """Keep the list of pictures with a model.

    Args:
        catalog_uri: of the run's pictures.
        data_root: that their ids are relative to.
        workspace: pictures in it are kept by relative locations, so that it can be moved.
        model: folder of the SavedModel.
        before: folder of the version that the run went on from with a part of its pictures; the
            others are kept. None where the run read all there are.
    """
    tables = [_located(part, data_root, workspace) for part in read_catalog(catalog_uri, COLUMNS)]
    earlier = read_data_set(before) if before else None
    if earlier is not None:
        seen = {location for table in tables for location in table["location"].to_pylist()}
        unseen = [location not in seen for location in earlier["location"].to_pylist()]
        tables.insert(0, earlier.filter(pa.array(unseen, pa.bool_())))
    (model / FILE).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(tables), model / FILE, compression="zstd")


def read_data_set(model: Path) -> pa.Table | None:
    """The pictures of a version by `SCHEMA`; None for one that was pushed without the list."""
    path = model / FILE
    return pq.read_table(path, schema=SCHEMA) if path.exists() else None


def _located(part: pa.Table, data_root: str, workspace: Path) -> pa.Table:
    inside = f"{workspace}/"
    locations = []
    for image_id in part[example_features.IMAGE_ID].to_pylist():
        location = locate(data_root, image_id.decode("utf-8", "surrogateescape"))
        locations.append(location.removeprefix(inside).encode("utf-8", "surrogateescape"))
    columns = [pa.array(locations, pa.binary()), *(part[name] for name in COLUMNS[1:])]
    return pa.table(columns, SCHEMA.names).cast(SCHEMA)
