"""The state of a labelling: pictures, classes, and every decision so far."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.inputs.layouts.folder_name_check import check_folder_name, find_similar
from pipeline.labelling.decided_files import DecidedFiles, take_back, undo_entry
from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.labelling.picture_list import ListedPicture, picture_id
from trainer_module.contract.errors import InputError

#: Kind of a decision.
Kind = Literal["labelled", "skipped", "unusable"]

#: Kind of a picture without a decision.
OPEN = "open"


@dataclass(frozen=True)
class Decision:
    """What is decided about a picture.

    Attributes:
        kind: Kind of the decision.
        label: Name of the class; "" unless the kind is `labelled`.
        reason: Why the file cannot be read; "" if a person has decided.
    """

    kind: Kind
    label: str = ""
    reason: str = ""


class LabellingSession:
    """Decisions about the pictures of a folder. Its methods may be called from several threads.

    Attributes:
        pictures: Pictures by id.
        num_changed: Number of pictures whose last decision in the journal does not hold any more,
            because no file of the folder has their content.
        renamed: Names of classes that count now, by the name in the journal that looks like them.
        workspace: Absolute path of the workspace that named the classes last; None for none.
        model: Name of its model, where the user gave it.
    """

    def __init__(
        self,
        folder: Path,
        pictures: dict[str, ListedPicture],
        classes: list[str],
        journal: DecisionJournal,
    ) -> None:
        """Repeat the decisions in the journal.

        Args:
            folder: Folder of the pictures.
            pictures: Pictures by id.
            classes: Names of the classes of the serving version, in its order.
            journal: Journal of the decisions.

        Raises:
            InputError: The journal names a class that cannot be one.
        """
        self.pictures = pictures
        self._files = DecidedFiles(folder, pictures)
        self._journal = journal
        self._lock = threading.RLock()
        self._is_closed = False
        self._decisions: dict[str, Decision] = {}
        self._unreadable: dict[str, str] = {}
        # Decided pictures in the order of the decisions, with what was decided before, and the
        # entry of the journal.
        self._done: list[tuple[str, Decision | None, dict[str, Any]]] = []
        of_folders = sorted({one.label for one in pictures.values() if one.label})
        self._classes = dict.fromkeys([*classes, *of_folders])
        self.renamed: dict[str, str] = {}
        self.workspace: str | None = None
        self.model: str | None = None
        self.num_changed = self._repeat(journal.entries)

    def classes(self) -> list[str]:
        """Return the names of the classes, in the order in which they are shown."""
        with self._lock:
            return list(self._classes)

    def decision(self, picture: str) -> Decision | None:
        """Return what is decided about a picture; None if it is open.

        The class of its folder counts, and so does a file that cannot be read.

        Args:
            picture: Id of the picture.
        """
        with self._lock:
            if found := self._decisions.get(picture):
                return found
            if reason := self._unreadable.get(picture):
                return Decision("unusable", reason=reason)
            label = self.pictures[picture].label
            return Decision("labelled", label) if label else None

    def is_unseen(self, picture: str) -> bool:
        """Return whether no person has decided about a picture, nor any program read it in vain.

        Args:
            picture: Id of the picture.
        """
        with self._lock:
            return picture not in self._decisions and picture not in self._unreadable

    def counts(self) -> Counter[str]:
        """Return the number of pictures by the kind of their decision; `OPEN` without one."""
        with self._lock:
            decisions = (self.decision(one) for one in self.pictures)
            return Counter(one.kind if one else OPEN for one in decisions)

    def decide(self, picture: str, kind: str, label: str = "") -> None:
        """Decide about a picture, and write the decision to the journal.

        Args:
            picture: Id of the picture.
            kind: One of `Kind`.
            label: Name of a known class for `labelled`.

        Raises:
            InputError: There is no such picture, kind or class; or the session is closed.
            UnavailableError: The journal cannot be written.
        """
        with self._lock:
            self._check_open()
            listed = self.pictures.get(picture)
            if listed is None or kind not in get_args(Kind):
                raise InputError("there is no such picture or decision. Load the page again.")
            if (label in self._classes) != (kind == "labelled"):
                raise InputError("there is no such class. Load the page again.")
            entry = self._files.describe(listed) | {"decision": kind, "label": label}
            self._journal.append(entry)
            self._apply(picture, kind, label, entry)

    def add_class(self, name: str) -> str:
        """Add a class, and return its name; a known class is not added again.

        Args:
            name: Name as it was typed.

        Raises:
            InputError: The name cannot be that of a class, see `check_folder_name`; or the
                session is closed.
            UnavailableError: The journal cannot be written.
        """
        with self._lock:
            self._check_open()
            name = check_folder_name("class", name, self._classes)
            if name not in self._classes:
                self._journal.append({"class": name})
                self._classes[name] = None
            return name

    def note_workspace(self, path: str, model: str | None = None) -> None:
        """Remember the workspace that names the classes, for a start that does not name it again.

        Args:
            path: Absolute path of the workspace.
            model: Name of its model; None where the user has not given it.

        Raises:
            UnavailableError: The journal cannot be written.
        """
        if (path, model) != (self.workspace, self.model):
            named = {"model": model} if model else {}
            self._journal.append({"workspace": path, **named})
            self.workspace, self.model = path, model

    def undo(self) -> str | None:
        """Take back the last decision, and return the id of its picture; None without one.

        Raises:
            InputError: The session is closed.
            UnavailableError: The journal cannot be written.
        """
        with self._lock:
            self._check_open()
            if not self._done:
                return None
            picture, before, entry = self._done[-1]
            self._journal.append(undo_entry(entry))
            self._done.pop()
            if before is None:
                del self._decisions[picture]
            else:
                self._decisions[picture] = before
            return picture

    def mark_unreadable(self, picture: str, reason: str) -> None:
        """Remember that the file of a picture cannot be read.

        Args:
            picture: Id of the picture.
            reason: Reason, without a full stop.
        """
        with self._lock:
            self._unreadable[picture] = reason

    def unreadable(self) -> list[str]:
        """Return the ids of the pictures whose files cannot be read."""
        with self._lock:
            return list(self._unreadable)

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Refuse decisions from now on. An error in the block opens the session again."""
        with self._lock:
            self._is_closed = True
        try:
            yield
        except BaseException:
            with self._lock:
                self._is_closed = False
            raise

    def _check_open(self) -> None:
        if self._is_closed:
            raise InputError(
                "the batch is written from the labels so far, so nothing changes any more. To "
                "change labels, remove the batch, and start `carryover label` again."
            )

    def _apply(self, picture: str, kind: Any, label: str, entry: dict[str, Any]) -> None:
        self._done.append((picture, self._decisions.get(picture), entry))
        self._decisions[picture] = Decision(kind, label)

    def _repeat(self, entries: list[dict[str, Any]]) -> int:
        """Repeat the entries of the journal, and return the number of `num_changed`."""
        decisions: list[dict[str, Any]] = []
        undone: list[dict[str, Any]] = []
        for entry in entries:
            if "class" in entry:
                self._add_known(entry["class"])
            elif "workspace" in entry:
                self.workspace = str(entry["workspace"])
                self.model = str(entry["model"]) if entry.get("model") else None
            elif "undo" not in entry:
                decisions.append(entry)
            else:
                undone += take_back(decisions, entry)
        changed = set()
        in_place = {one.id for one in map(self._files.of_path, [*decisions, *undone]) if one}
        for entry in decisions:
            path, kind = picture_id(str(entry.get("path"))), entry.get("decision")
            pictures = self._find_pictures(entry)
            if not pictures:
                changed.add(path)
                continue
            changed.discard(path)
            # What is decided about a copy that has the path of its entry stays, or is taken back.
            free = (one.id for one in pictures if one.id == path or one.id not in in_place)
            if kind in get_args(Kind) and (picture := next(free, None)):
                label = self._add_known(entry.get("label")) if kind == "labelled" else ""
                self._apply(picture, kind, label, entry)
        return len(changed)

    def _find_pictures(self, entry: dict[str, Any]) -> list[ListedPicture]:
        """Return the picture at the path of an entry, or else those with the same content."""
        listed = self._files.of_path(entry)
        return [listed] if listed else self._files.of_content(entry)

    def _add_known(self, name: object) -> str:
        """Add a class of the journal, and return the name that counts.

        Others may have written the journal, so the name is checked. The classes of a workspace may
        be others than at the time of the label: one that looks like it counts for it.
        """
        text = str(name)
        if text in self._classes:
            return text
        try:
            text = check_folder_name("class", text)
        except InputError as error:
            raise InputError(
                f"journal of labels {self._journal.path}: {error} Restore the journal from a "
                "backup, or move it away to begin anew."
            ) from None
        if similar := find_similar(text, self._classes):
            self.renamed[text] = similar
            return similar
        self._classes[text] = None
        return text
