"""One picture of an export, with the labels that were given to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.inputs.system_files import find_files
from trainer_module.contract.locations import is_uri
from trainer_module.contract.output_text.wording import listed, quoted

#: What Label Studio puts before the name of an uploaded file.
_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-")


@dataclass(frozen=True)
class ExportedPicture:
    """A picture of an export.

    Attributes:
        name: Name of the picture in the export.
        location: Path or URI of the file; "" if it is not found.
        labels: Different labels of the picture, or of the objects in it.
        split: Split that the export names.
        problem: Reason why the picture cannot be used, besides its labels; "" without one.
        domain: Domain that the export names; "" without one.
        columns: Group, split and further columns by name.
    """

    name: str
    location: str
    labels: frozenset[str]
    split: str | None = None
    problem: str = ""
    domain: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Reason why the picture is no example of one class; "" if it is."""
        if self.problem:
            return self.problem
        if not self.location:
            return "the file is not found"
        if not self.labels:
            return "it has no label"
        if len(self.labels) > 1:
            return f"it has several labels: {listed(map(quoted, sorted(self.labels)))}"
        return ""

    def merge(self, other: "ExportedPicture") -> "ExportedPicture":
        """Return the picture with the labels of another entry for the same file."""
        if self.split and other.split and self.split != other.split:
            problem = f"it is in two splits: {self.split} and {other.split}"
            return replace(self, problem=self.problem or problem)
        return replace(
            self,
            labels=self.labels | other.labels,
            split=self.split or other.split,
            problem=self.problem or other.problem,
            columns={**other.columns, **self.columns},
        )


class PictureFinder:
    """Finds the files that an export names."""

    def __init__(self, folders: list[Path]) -> None:
        """Look in some folders.

        Args:
            folders: Folders that paths in the export may be relative to. A picture whose path is
                only a name, or that of an upload, may also lie at any depth below the first.
        """
        self._folders = folders
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str) -> tuple[str, str]:
        """Return the location of a picture, and the reason why it has none.

        Args:
            name: Path or address in the export.
        """
        try:
            return self._find(name)
        except (OSError, ValueError) as error:  # no file can have such a name
            return "", f"its name is unusable: {getattr(error, 'strerror', None) or error}"

    def _find(self, name: str) -> tuple[str, str]:
        if is_uri(name) and not name.startswith(("http:", "https:", "file:")):
            return name, ""
        path = _local_name(name)
        for folder in self._folders if path else ():
            for file in _possible_files(folder, path):
                if file.is_file():
                    return str(file.resolve()), ""
        is_name = "/" not in path or "/upload/" in path or is_uri(name)
        found = self._find_by_name(Path(path).name) if is_name else []
        if len(found) > 1:
            return "", f"several files have its name, such as {quoted(str(found[0]))}"
        return (str(found[0].resolve()), "") if found else ("", "")

    def _find_by_name(self, name: str) -> list[Path]:
        if self._by_name is None:
            self._by_name = {}
            for path in find_files(self._folders[0], "*"):
                if path.is_file():
                    self._by_name.setdefault(path.name, []).append(path)
        short = _UPLOAD_PREFIX.sub("", name, count=1) if _UPLOAD_PREFIX.match(name) else name
        return self._by_name.get(name) or self._by_name.get(short, [])


def _possible_files(folder: Path, path: str) -> list[Path]:
    """Return the files that a relative path may mean; it may begin with the name of the folder.

    The paths of Label Studio's local files are relative to a folder above that of the pictures.
    """
    above = folder.resolve().parent
    return [folder / path, *([above / path] if path.startswith(f"{folder.name}/") else [])]


def _local_name(name: str) -> str:
    """Return the path in an address: of an upload, of a local file, or of a web server."""
    if is_uri(name) or name.startswith("/data/"):
        address = urlsplit(name)
        return parse_qs(address.query).get("d", [unquote(address.path)])[0]
    return name.replace("\\", "/")
