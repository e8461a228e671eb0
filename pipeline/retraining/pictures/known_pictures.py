"""What the serving version knows of its pictures, whether they are replayed or not."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from components.image_example_gen.splits import name_digest
from components.pusher.data_set import DataSetRow, read_data_set
from pipeline.retraining.deliveries.batch_store import LISTING, BatchStore
from pipeline.retraining.pictures.earlier_groups import find_earlier_groups
from pipeline.workspace import Workspace
from trainer_module.contract.example_features import SPLITS


@dataclass(frozen=True)
class KnownPictures:
    """Pictures that the serving version was made from.

    Attributes:
        rows: Rows of its data set. `group` is None where nothing is known of it.
        names: Name in its delivery of every picture that a batch brought, by location.
    """

    rows: list[DataSetRow]
    names: dict[bytes, str]

    @classmethod
    def read(cls, model: Path, workspace: Workspace) -> "KnownPictures | None":
        """Read the data set of a version; None for a version without the list of its pictures.

        Args:
            model: Folder of the version.
            workspace: Workspace of the version.
        """
        table = read_data_set(model)
        if table is None:
            return None
        rows: list[DataSetRow] = table.to_pylist()
        if any(row["group"] is None for row in rows):
            groups = find_earlier_groups(model, workspace)
            for row in rows:
                row["group"] = row["group"] or groups.get(row["location"])
        return cls(rows, _delivered_names(rows, BatchStore(workspace.batches), workspace))

    @cached_property
    def by_content(self) -> dict[bytes, list[DataSetRow]]:
        """Rows by the digest of their file."""
        rows: dict[bytes, list[DataSetRow]] = defaultdict(list)
        for row in self.rows:
            rows[row["content"]].append(row)
        return dict(rows)

    @cached_property
    def domains(self) -> set[str]:
        """Names of all domains."""
        return {row["domain"] for row in self.rows}

    @cached_property
    def is_grouped_by_stem(self) -> bool:
        """Whether the groups of some pictures are the stems of their names."""
        return any(row["group"] == name_digest(self.stem(row)) for row in self.rows)

    def name(self, row: DataSetRow) -> str:
        """Return the path of a picture as people know it.

        A picture of a batch has the name of its delivery: the name of the copy is a digest.
        """
        location = row["location"].decode("utf-8", "surrogateescape")
        return self.names.get(row["location"], location)

    def stem(self, row: DataSetRow) -> str:
        """Return the name of a picture without folders and extension."""
        return stem_of(self.name(row))

    def group_splits(self, by_stem: bool) -> dict[bytes, set[str]]:
        """Return the splits of every group; a group has several after a conflict only.

        Args:
            by_stem: Whether pictures that are alone in their group belong to the group of their
                stem.
        """
        splits: dict[bytes, set[str]] = defaultdict(set)
        for row in self.rows:
            group = row["group"]
            if by_stem and group in (None, row["content"]):
                group = name_digest(self.stem(row))
            if group is not None:
                splits[group].add(row["split"])
        return dict(splits)


def most_held_out(splits: Iterable[str]) -> str:
    """Return the split that keeps most from training: test, then eval."""
    return max(splits, key=SPLITS.index)


def stem_of(path: str) -> str:
    """Return the name of a file without folders and extension."""
    return PurePosixPath(path).stem


def batch_folder(location: bytes) -> bytes:
    """Return the first two parts of a location: the folder of its batch, if it has one."""
    return b"/".join(location.split(b"/", 2)[:2])


def _delivered_names(
    rows: list[DataSetRow], store: BatchStore, workspace: Workspace
) -> dict[bytes, str]:
    names = {}
    folders = {batch_folder(row["location"]) for row in rows}
    for folder in sorted(folders):
        parent, _, name = folder.decode("utf-8", "surrogateescape").partition("/")
        if parent == workspace.batches.name and (workspace.batches / name / LISTING).exists():
            names.update({row["path"].encode(): row["name"] for row in store.read(name)})
    return names
