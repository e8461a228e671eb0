"""Write the labelled pictures as a batch that `carryover retrain` takes."""

import os
import secrets
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.config.path_check import MAX_NAME
from pipeline.inputs.layouts.unlabelled_names import UNLABELLED
from pipeline.inputs.sidecar import SIDECAR, domain_cell
from pipeline.labelling.labelling_session import LabellingSession
from pipeline.labelling.picture_content import displayable_picture
from pipeline.labelling.picture_list import ListedPicture, is_unchanged
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, sync_path
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

#: Reason of a picture that a person marked.
MARKED = "marked as unusable"

#: Reason of a picture whose file is not the one that got the label.
CHANGED = "changed or removed since the start"


@dataclass
class WrittenBatch:
    """What was written.

    Attributes:
        path: Folder of the batch.
        labels: Number of labelled pictures by domain and class.
        num_unlabelled: Number of pictures without a label in the batch.
        num_omitted: Number of pictures without a label that were to be left out.
        left_out: Reason why a picture is not in the batch, by its path in the original folder.
    """

    path: Path
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    num_unlabelled: int = 0
    num_omitted: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def write_batch(
    session: LabellingSession, folder: Path, output: Path, only_labelled: bool
) -> WrittenBatch:
    """Write a batch: `<domain>/<class>/<picture>`, and `_READY` last.

    The pictures are hard links where the file system allows it, and copies otherwise. The batch
    gets its name when it is complete; a watched inbox never has a part of it.

    Args:
        session: Decisions about the pictures.
        folder: Folder of the pictures. Nothing in it is changed.
        output: Folder of the batch. It must not exist, or be empty.
        only_labelled: Whether pictures without a label are left out of the batch.

    Raises:
        InputError: The folder of the batch exists, or no picture in it would have a label.
        UnavailableError: The batch cannot be written. Nothing is left behind.
    """
    check_output(output)
    # A new name each time: a folder that is there may be the user's.
    draft = output.with_name(f".{output.name[:40]}.{secrets.token_hex(8)}{DRAFT_SUFFIX}")
    try:
        draft.mkdir()
        written = _Writer(session, folder, draft, only_labelled).run(output)
        draft.rename(output)
        sync_path(output.parent)
    except OSError as error:
        raise UnavailableError(
            f"batch {output} cannot be written: {error.strerror}. The labels are kept; make room "
            "for it, and finish again."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written


def check_output(output: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        InputError: It does, or it is unreadable.
    """
    try:
        if output.is_dir() and not any(output.iterdir()):
            return
    except OSError as error:
        raise InputError(
            f"--output {output}: {error.strerror}. Name another folder with --output DIR."
        ) from None
    if os.path.lexists(output):
        raise InputError(
            f"{output} exists already. Name another folder with --output DIR; or remove it to "
            "change labels and write it again."
        )


class _Writer:
    """Writes the files of one batch."""

    def __init__(
        self, session: LabellingSession, folder: Path, draft: Path, only_labelled: bool
    ) -> None:
        self._session, self._folder, self._draft = session, folder, draft
        self._only_labelled = only_labelled
        self._folders: set[Path] = set()
        self._sidecar: list[dict[str, str]] = []

    def run(self, output: Path) -> WrittenBatch:
        """Write everything into the draft."""
        written = WrittenBatch(output)
        # Not in the order of the page, which nobody could follow in the sidecar and the terminal.
        pictures = self._session.pictures.values()
        for picture in sorted(pictures, key=lambda one: (not one.is_chosen, one.path)):
            self._add(picture, written)
        if not written.labels:
            raise InputError(
                f"no picture of {self._folder} that can be used has a label, so the batch would "
                "hold nothing new. Give labels on the page first: the same command without "
                "--finish opens it."
            )
        if self._sidecar:
            self._write_sidecar()
        (self._draft / READY).touch()
        for path in (*self._folders, self._draft):
            sync_path(path)
        return written

    def _add(self, picture: ListedPicture, written: WrittenBatch) -> None:
        decision = self._session.decision(picture.id)
        label = decision.label if decision else ""
        if decision and decision.kind == "unusable":
            written.left_out[picture.path] = decision.reason or MARKED
        elif not label and self._only_labelled:
            written.num_omitted += 1
        elif not is_unchanged(self._folder, picture):
            written.left_out[picture.path] = CHANGED
        elif reason := self._find_damage(picture):
            written.left_out[picture.path] = reason
        else:
            self._link(picture, label or UNLABELLED)
            if label:
                written.labels[picture.domain, label] += 1
            else:
                written.num_unlabelled += 1

    def _find_damage(self, picture: ListedPicture) -> str:
        """Return why a file that nobody has seen cannot be read, or ""."""
        if self._session.is_unseen(picture.id):
            try:
                displayable_picture(self._folder / picture.path)
            except UnusablePictureError as error:
                return str(error)
        return ""

    def _link(self, picture: ListedPicture, label: str) -> None:
        """Write one picture into the folder of its label."""
        relative = self._free_path(picture, PurePosixPath(picture.domain_folder, label))
        target, source = self._draft / relative, self._folder / picture.path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._folders.update(target.parents[: len(relative.parts) - 1])
        if not self._hard_link(source.resolve(), target):
            shutil.copy2(source, target)
            sync_path(target)
        columns = {**domain_cell(picture.domain, picture.domain_folder), **picture.columns}
        if columns:
            self._sidecar.append({"path": str(relative), **columns})

    def _hard_link(self, source: Path, target: Path) -> bool:
        """Link a file of the folder; return False where that is not possible.

        What a symbolic link leads to outside the folder is not linked: whoever changes the batch
        must not change that file.
        """
        if not source.is_relative_to(self._folder.resolve()):
            return False
        try:
            os.link(source, target)
        except OSError:  # another disk, or a file of another user
            return False
        return True

    def _free_path(self, picture: ListedPicture, folder: PurePosixPath) -> PurePosixPath:
        """Return a path in a folder of the draft that no other picture has."""
        path = folder / picture.inner
        if any((self._draft / one).is_file() for one in path.parents):
            return folder / _unique_name(path.name, picture.id)
        if os.path.lexists(self._draft / path):
            return path.with_name(_unique_name(path.name, picture.id))
        return path

    def _write_sidecar(self) -> None:
        with (self._draft / SIDECAR).open("w", encoding="utf-8", newline="") as file:
            columns = list(dict.fromkeys(name for row in self._sidecar for name in row))
            rows = SpreadsheetWriter(file, columns, line_end="\n")
            for row in self._sidecar:
                rows.write_row(row.get(name, "") for name in columns)
        sync_path(self._draft / SIDECAR)


def _unique_name(name: str, picture: str) -> str:
    """Return a name for a picture whose own name another one has already."""
    unique = f"{picture}-{name}"
    if len(os.fsencode(unique)) <= MAX_NAME:
        return unique
    return f"{picture}{PurePosixPath(name).suffix[:8]}"
