"""A copy of a workspace in an object store, on this machine: commands work in it.

TFX, SQLite and memory-mapped files need a file system. The copy is in the folder for caches of the
user and may be deleted while no command runs. It remembers its state, so that only what differs is
transferred. While a command changes it, a mark says so: what a killed command has left is resumed
if no other one has made a new state meanwhile, and set aside if one has.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.object_store.copy_origin import ORIGIN, WORKSPACE
from pipeline.object_store.file_manifest import FileManifest, scan_files
from pipeline.object_store.file_transfer import download_files
from pipeline.object_store.serving_layout import split_version
from pipeline.object_store.state_chain import State
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.atomic_write import atomic_write, sync_path
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.user_folder import user_folder

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_BASE, _MARK = "state.json.gz", "changing"
_INCOMING, _OUTGOING, _SET_ASIDE = "incoming", "outgoing", "set-aside"


@dataclass(frozen=True)
class WorkingCopy:
    """A copy of a workspace. The caller holds its lock.

    Attributes:
        folder: Folder of the copy, which holds the folder `workspace`.
        is_selected: Function of a relative path: whether the copy has the file.
    """

    folder: Path
    is_selected: Callable[[str], bool]

    @property
    def root(self) -> Path:
        """Folder of the workspace, for commands."""
        return self.folder / WORKSPACE

    @property
    def lock(self) -> Path:
        """File that a command locks while it uses the copy."""
        return self.folder / "lock"

    def prepare(self, uri: str) -> str:
        """Create the folders, and return the id of the copy, which no other copy has."""
        self.root.mkdir(parents=True, exist_ok=True)
        file = self.folder / ORIGIN
        if not file.exists():
            values = {"uri": uri, "copy": str(uuid.uuid4())}
            atomic_write(file, json.dumps(values) + "\n")
        return str(json.loads(file.read_text())["copy"])

    def base(self) -> State:
        """Return the state that the copy began with, without a file or with a damaged one 0."""
        try:
            return State.from_bytes((self.folder / _BASE).read_bytes())
        except (FileNotFoundError, ValueError):
            return State()

    def begin_change(self) -> None:
        """Say that a command changes the copy from now on."""
        (self.folder / _MARK).touch()
        sync_path(self.folder)

    def end_change(self, state: State) -> None:
        """Say that the copy is a state of the store."""
        atomic_write(self.folder / _BASE, state.to_bytes())
        (self.folder / _MARK).unlink(missing_ok=True)

    def scan(self, base: State) -> FileManifest:
        """Return the manifest of the files as they are."""
        return scan_files(self.root, base.manifest, self.is_selected)

    def restore(self, store: "ObjectStore", state: State) -> None:
        """Make the copy that of a state.

        What a killed command has changed stays if the state is the one that it began with, so that
        the next command resumes it.

        Args:
            store: Part of the store that is the workspace.
            state: Newest state.
        """
        base, is_changing = self.base(), (self.folder / _MARK).exists()
        if is_changing and base.writer == state.writer:
            return
        wanted, present = state.manifest.select(self.is_selected), self.scan(base)
        if is_changing:
            self._set_aside(base.manifest, present, wanted)
            present = self.scan(base)
        self._remove(present, wanted)
        self._fetch(store, present, wanted)
        self._link(wanted)
        self.end_change(state)

    def _fetch(self, store: "ObjectStore", present: FileManifest, wanted: FileManifest) -> None:
        """Download what the copy lacks. A new version gets its folder when it is complete."""
        incoming = self.folder / _INCOMING
        shutil.rmtree(incoming, ignore_errors=True)
        new_versions, files = set(), []
        for path, entry in wanted.files.items():
            here = present.files.get(path)
            if here and (here.digest, here.mode) == (entry.digest, entry.mode):
                if here.modified_ns != entry.modified_ns:
                    os.utime(self.root / path, ns=(entry.modified_ns, entry.modified_ns))
                continue
            folder, _ = split_version(path) or ("", "")
            is_new = bool(folder) and not (self.root / folder).exists()
            if is_new:
                new_versions.add(folder)
            files.append(((incoming if is_new else self.root) / path, entry))
        download_files(store, files)
        for folder in sorted(new_versions):
            (self.root / folder).parent.mkdir(parents=True, exist_ok=True)
            (incoming / folder).rename(self.root / folder)
        shutil.rmtree(incoming, ignore_errors=True)

    def _remove(self, present: FileManifest, wanted: FileManifest) -> None:
        """Remove what the state lacks. A version leaves its folder in one step."""
        outgoing = self.folder / _OUTGOING
        kept = {split[0] for path in wanted.files if (split := split_version(path))}
        for path in (*present.files, *present.links, *present.folders):
            if path in wanted.files or path in wanted.folders or _is_link(path, present, wanted):
                continue
            folder, _ = split_version(path) or ("", "")
            if folder and folder not in kept and (self.root / folder).exists():
                outgoing.mkdir(exist_ok=True)
                (self.root / folder).rename(outgoing / str(uuid.uuid4()))
            _remove_path(self.root, path)
        shutil.rmtree(outgoing, ignore_errors=True)

    def _link(self, wanted: FileManifest) -> None:
        for path, target in wanted.links.items():
            link = self.root / path
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)
        for folder in wanted.folders:
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def _set_aside(self, base: FileManifest, present: FileManifest, wanted: FileManifest) -> None:
        """Move what a killed or beaten command has written out of the workspace."""
        lost = [
            path
            for path, entry in present.files.items()
            if entry.digest not in {_digest(base, path), _digest(wanted, path)}
        ]
        target = self.folder / _SET_ASIDE
        shutil.rmtree(target, ignore_errors=True)
        for path in lost:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).rename(target / path)
        if lost:
            print_line(
                "carryover: another command has changed the workspace since one was killed or "
                f"beaten here. {counted(len(lost), 'file')} of that one: {target}",
                to_stderr=True,
            )


def copy_folder(uri: str, purpose: str) -> Path:
    """Return the folder of the copy of a workspace for this user.

    Args:
        uri: URI of the workspace.
        purpose: What the copy is for: copies for different purposes have folders of their own.
    """
    folder = user_folder("XDG_CACHE_HOME", "~/.cache") / "workspaces"
    place = uri.rstrip("/")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", place.partition("://")[2])[:60]
    return folder / f"{name}-{hashlib.sha256(place.encode()).hexdigest()[:12]}" / purpose


def _digest(manifest: FileManifest, path: str) -> str | None:
    entry = manifest.files.get(path)
    return entry.digest if entry else None


def _is_link(path: str, present: FileManifest, wanted: FileManifest) -> bool:
    """Return whether a path is a link, with the target that it is to have."""
    return path in wanted.links and present.links.get(path) == wanted.links[path]


def _remove_path(root: Path, path: str) -> None:
    """Remove a file, a link or an empty folder, and the folders above it that are empty then."""
    file = root / path
    if file.is_dir() and not file.is_symlink():
        folder = file
    else:
        file.unlink(missing_ok=True)
        folder = file.parent
    while folder != root:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # something is in it
            return
        folder = folder.parent
