"""The list of pictures that a version was made from, which is kept with the version."""

from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.locations import locate
from trainer_module.contract.model_assets import PICTURES, TEST_PREDICTIONS
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading

#: Columns of the list, see `DataSetRow`.
SCHEMA = pa.schema(
    [
        ("location", pa.binary()),
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        ("split", pa.string()),
        ("content", pa.binary(16)),
        ("group", pa.binary(16)),
    ]
)

COLUMNS = [
    example_features.IMAGE_ID,
    example_features.DOMAIN,
    example_features.LABEL,
    "split",
    "content",
    "group",
]


class DataSetRow(TypedDict):
    """One picture of a data set, as `read_data_set(...).to_pylist()` gives it.

    Attributes:
        location: Path relative to the workspace, absolute path or URI; it may not be UTF-8.
        domain: Name of the domain.
        label: Name of the class.
        split: Split of the picture in the run that made the version.
        content: Digest of the file, 16 bytes.
        group: Digest of the group that shares a split, 16 bytes, see `splits.group_digest`. None in
            the lists of versions that were pushed before groups were kept.
    """

    location: bytes
    domain: str
    label: str
    split: str
    content: bytes
    group: bytes | None


def write_data_set(
    catalog_uri: str, data_root: str, workspace: Path, model: Path, baseline: Path | None
) -> None:
    """Write the list of a run's pictures into the folder of its model.

    Args:
        catalog_uri: URI of the `catalog` artifact of the run.
        data_root: Folder or URI that the ids of pictures are relative to.
        workspace: Folder of the workspace. The locations of pictures in it are relative to it, so
            that the workspace can be moved.
        model: Folder of the SavedModel.
        baseline: Folder of the baseline of a retraining, which read only some of the baseline's
            pictures: the others are added to the list, unless the retraining read another copy of
            them, which a newer batch delivered. None for a run that read all pictures.
    """
    read = pa.concat_tables(
        [_located(part, data_root, workspace) for part in read_catalog(catalog_uri, COLUMNS)]
        or [SCHEMA.empty_table()]
    )
    earlier = read_data_set(baseline) if baseline else None
    tables = [read] if earlier is None else [_not_read_again(earlier, read), read]
    (model / PICTURES).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(tables), model / PICTURES, compression="zstd")


def read_data_set(model: Path) -> pa.Table | None:
    """Read the list of pictures of a version; None for a version that has none.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The list is unreadable, damaged or lost.

    Returns:
        Table with the columns of `SCHEMA`.
    """
    path = model / PICTURES
    if not path.exists():
        if (model / TEST_PREDICTIONS).exists():  # a push that writes one of them writes both
            raise UnavailableError(f"list of pictures {path} is missing. {RESTORE_VERSION}")
        return None
    with reading(path, "list of pictures", RESTORE_VERSION):
        return pq.read_table(path, schema=SCHEMA)


def location_of(image_id: bytes, data_root: str, workspace: Path) -> bytes:
    """Return the location of a picture, see `DataSetRow`.

    Args:
        image_id: Id of the picture.
        data_root: Folder or URI that the id is relative to.
        workspace: Folder of the workspace.
    """
    location = locate(data_root, image_id.decode("utf-8", "surrogateescape"))
    return location.removeprefix(f"{workspace}/").encode("utf-8", "surrogateescape")


def _not_read_again(earlier: pa.Table, read: pa.Table) -> pa.Table:
    """Return the rows of the baseline's list whose pictures a retraining has not read.

    A picture at a location that the baseline does not know was delivered again if its content is
    known: then the new row is what holds, and the earlier ones are left out.
    """
    is_known = pc.is_in(read["location"], value_set=earlier["location"].combine_chunks())
    delivered_again = read.filter(pc.invert(is_known))["content"]
    left_out = pc.or_(
        pc.is_in(earlier["location"], value_set=read["location"].combine_chunks()),
        pc.is_in(earlier["content"], value_set=delivered_again.combine_chunks()),
    )
    return earlier.filter(pc.invert(left_out))


def _located(part: pa.Table, data_root: str, workspace: Path) -> pa.Table:
    locations = [
        location_of(image_id, data_root, workspace)
        for image_id in part[example_features.IMAGE_ID].to_pylist()
    ]
    columns = [pa.array(locations, pa.binary()), *(part[name] for name in COLUMNS[1:])]
    return pa.table(columns, SCHEMA.names).cast(SCHEMA)
