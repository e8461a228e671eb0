"""Read a sidecar: a table in a folder of pictures with what the folders cannot say about them."""

import os
import unicodedata
from pathlib import Path, PurePosixPath

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.csv_table import read_csv_table
from pipeline.inputs.layouts.domain_folder import substitute_folder
from pipeline.inputs.manifest_columns import TableRow, WantedColumns
from pipeline.inputs.row_check import MISSING_VALUES, RowCheck
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.regular_file import UnusableFileError, open_regular

#: Name of the file, directly in the folder of pictures.
SIDECAR = "sidecar.csv"

#: Largest sidecar of a delivery, in rows and in bytes. They bound the memory of a pass.
MAX_DELIVERED_ROWS, MAX_DELIVERED_BYTES = 1_000_000, 256 * 2**20

#: Stands for a cell that the folders fill.
FROM_FOLDERS = "-"


class Sidecar:
    """The rows of a sidecar, by path. A folder without one has an empty sidecar."""

    def __init__(
        self, root: Path, roots: AllowedRoots | None = None, slices: tuple[str, ...] = ()
    ) -> None:
        """Read the sidecar of a folder.

        Args:
            root: Folder of pictures.
            roots: Where the sidecar of a delivery may be, if it is a link. None for any place.
            slices: Names of the columns of slices. Only a delivery may lack them.

        Raises:
            InputError: A row is malformed, or the column `path` is missing, or it is no file; the
                sidecar of a delivery is too large.
            UnavailableError: The file is unreadable.
        """
        self._location = root / SIDECAR
        self._rows: dict[str, ListingRow] = {}
        self._positions: dict[str, str] = {}
        if not os.path.lexists(self._location):
            return
        # Only the user's own table must have all columns.
        wanted = WantedColumns(("path",) if roots else ("path", *slices), slices)
        try:
            with open_regular(str(self._location), roots.find_fault if roots else None) as file:
                size = os.fstat(file.fileno()).st_size
                if roots and size > MAX_DELIVERED_BYTES:
                    raise self._too_large(f"{size:,} bytes", MAX_DELIVERED_BYTES)
                check = RowCheck()
                for table_row in read_csv_table(file, str(self._location), wanted):
                    if roots and len(self._rows) == MAX_DELIVERED_ROWS:
                        raise self._too_large("too many rows", MAX_DELIVERED_ROWS)
                    self._add(table_row, check)
        except UnusableFileError as reason:
            raise self._error(f"{reason}. Remove it, or put the table in its place") from None
        except OSError as error:
            raise UnavailableError(
                f"{self._location} cannot be read: {error.strerror}. Make it readable, or remove it"
            ) from None

    def _add(self, table_row: TableRow, check: RowCheck) -> None:
        folders = {"domain": FROM_FOLDERS, "label": FROM_FOLDERS}
        filled = {name: text for name, text in table_row.texts.items() if text.strip()}
        row = check.listing_row(table_row._replace(texts=folders | filled))
        if "reason" in row:
            raise self._error(row["reason"].removeprefix("malformed row: "))
        path = row["path"].removeprefix("./")
        self._rows[path] = row
        self._positions[path] = table_row.position

    def complete(self, row: ListingRow) -> None:
        """Add the group, the split and the slices of a picture to its row.

        The domain is that of the folders, unless no folder can have its name: see
        `substitute_folder`.

        Args:
            row: Row of the listing.

        Raises:
            InputError: The sidecar contradicts the folders.
        """
        if not self._rows:
            return
        # Unicode has two forms of letters with accents, and programs change one into the other.
        forms = (unicodedata.normalize(form, row["path"]) for form in ("NFC", "NFD"))
        path = next((one for one in (row["path"], *forms) if one in self._rows), None)
        if path is None:
            return
        said = self._rows.pop(path)
        if _is_substitute(row, said["domain"]):
            row["domain"] = said["domain"]
        facts = (
            ("domain", row["domain"], said["domain"]),
            ("label", row["label"], said["label"]),
            ("split", row.get("split", FROM_FOLDERS), said.get("split", FROM_FOLDERS)),
        )
        for name, ours, theirs in facts:
            if FROM_FOLDERS not in (ours, theirs) and ours != theirs:
                raise self._error(
                    f"{self._positions[path]}: {name} of {path} is {ours}, as its folder says. "
                    f"Received: {theirs}. Leave the cell empty, or move the picture"
                )
        if "group" in said:
            row["group"] = said["group"]
        if "split" in said:
            row["split"] = said["split"]
        if "slices" in said:
            row["slices"] = said["slices"]

    def check_complete(self) -> None:
        """Check that every row belonged to a picture.

        Raises:
            InputError: A row names no picture of the folder.
        """
        for path in self._rows:
            raise self._error(
                f"{self._positions[path]}: {path} is no picture of the folder. Write paths as "
                "they are in the folder, such as domain/class/1.png, and remove rows without a file"
            )

    def _too_large(self, found: str, limit: int) -> InputError:
        return self._error(
            f"has {found}, and the limit is {limit:,}. Deliver the batch in several parts"
        )

    def _error(self, problem: str) -> InputError:
        return InputError(f"{self._location}: {problem}.")


def domain_cell(domain: str, folder: str) -> dict[str, str]:
    """Return the cell, by its column, that names the domain of a picture in a substitute folder.

    Args:
        domain: Name of the domain.
        folder: Folder of the domain.

    Returns:
        Nothing where the folder has the name of the domain, or no cell can hold that.
    """
    is_read_back = domain == domain.strip() and "\0" not in domain and domain not in MISSING_VALUES
    return {"domain": domain} if is_read_back and folder != domain else {}


def _is_substitute(row: ListingRow, domain: str) -> bool:
    """Return whether the folder of a row stands for a domain that no folder can be named after."""
    folder = row["domain"]
    if folder == FROM_FOLDERS:
        folder = PurePosixPath(row["path"]).parts[0]
    return domain != FROM_FOLDERS and folder == substitute_folder(domain)
