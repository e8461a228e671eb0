"""Delivers unusual pictures to an inbox, as a batch without labels."""

import hashlib
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

from components.image_example_gen.splits import digest
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL, UNLABELLED
from pipeline.monitoring.monitor_state import PendingBatch, StreamState
from pipeline.monitoring.seen_pictures import SeenPictures
from pipeline.monitoring.traffic_reader import records_between
from pipeline.picture_selection.folder_names import name_folders
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, sync_path
from trainer_module.contract.errors import InputError

#: Fewest new pictures that make a batch. A retraining for fewer is not worth its time.
MIN_PICTURES = 50

#: Pictures of a batch that are to be labelled.
TO_LABEL_COUNT = 100

#: Seed of the choice of these.
SEED = 17

#: Name of the domain of clients that named none.
UNNAMED_DOMAIN = "new-domain"

#: Suffixes of files by the name that Pillow has for their format.
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "PPM": ".ppm"}


def write_batch(
    stream: StreamState,
    unusual: SeenPictures,
    domain: str,
    workspace: Path,
    version: int,
    model: Path,
    inbox: Path,
) -> bool:
    """Write a batch with the unusual pictures that were not delivered before, under a hidden name.

    The state of the client domain gets the batch as `pending`, and its pictures as `delivered`.
    Once the state is on the disk, `move_to_inbox` makes it visible: a process that is killed in
    between delivers nothing twice, and loses nothing.

    Pictures that `carryover select` would choose are in `_to_label`, the others in `_unlabelled`.

    Args:
        stream: State of the client domain, without a pending batch.
        unusual: Its unusual pictures.
        domain: Its name.
        workspace: Folder of the workspace.
        version: Number of the version.
        model: Folder of the version.
        inbox: Folder in which batches arrive.

    Returns:
        Whether there is a batch: not if fewer than `MIN_PICTURES` pictures are new.

    Raises:
        InputError: The inbox cannot be written.
        UnavailableError: The traffic cannot be read.
    """
    folder = name_folders([domain or UNNAMED_DOMAIN])[domain or UNNAMED_DOMAIN]
    draft = _draft_path(inbox, workspace, domain)
    is_complete = False
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        written = _write_pictures(
            draft / folder / UNLABELLED, workspace, domain, version, unusual, set(stream.delivered)
        )
        if len(written) < MIN_PICTURES:
            return False
        _choose_to_label(draft / folder, written, domain, model)
        (draft / READY).touch()
        _sync(draft)
        is_complete = True
    except OSError as error:
        raise _unwritable(inbox, error) from None
    finally:
        if not is_complete:
            shutil.rmtree(draft, ignore_errors=True)
    moment = datetime.fromtimestamp(float(unusual.times[0]), timezone.utc)
    path = _free_path(draft.with_name(f"traffic-{version}-{moment:%Y%m%d-%H%M%S}"))
    stream.pending = PendingBatch(str(draft), str(path))
    stream.delivered += sorted(written)
    return True


def move_to_inbox(stream: StreamState) -> Path | None:
    """Give the pending batch of a client domain its name.

    Args:
        stream: State of the client domain; it has no pending batch afterwards.

    Returns:
        The folder of the batch; None if there is none, or somebody has taken it away.

    Raises:
        InputError: The inbox cannot be written.
    """
    if stream.pending is None:
        return None
    draft, path = Path(stream.pending.draft), Path(stream.pending.path)
    try:
        if draft.is_dir():
            path = _free_path(path)
            draft.rename(path)
            sync_path(path.parent)
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    stream.pending = None
    return path if path.is_dir() else None


def _draft_path(inbox: Path, workspace: Path, domain: str) -> Path:
    """Return the path of the draft. One monitor at a time works for a workspace."""
    owner = hashlib.sha256(os.fsencode(f"{workspace.resolve()}/{domain}")).hexdigest()
    return inbox.resolve() / f".traffic-{owner[:16]}{DRAFT_SUFFIX}"


def _free_path(path: Path) -> Path:
    """Return the path, or one with a number if it exists."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _sync(folder: Path) -> None:
    """Flush a folder with all that is in it to the disk."""
    for path in (*folder.rglob("*"), folder):
        sync_path(path)


def _unwritable(inbox: Path, error: OSError) -> InputError:
    return InputError(f"--deliver {inbox}: {error.strerror}. Give a folder that can be written.")


def _write_pictures(
    folder: Path,
    workspace: Path,
    domain: str,
    version: int,
    unusual: SeenPictures,
    known: set[str],
) -> dict[str, Path]:
    """Write the files of pictures that are new; return their paths by digest."""
    times = set(unusual.times.tolist())
    start, end = float(unusual.times[0]), float(unusual.times[-1])
    written: dict[str, Path] = {}
    folder.mkdir(parents=True)
    for record in records_between(workspace, version, start, end + 1e-3):
        if record.domain != domain or record.time not in times:
            continue
        name = digest(record.image).hex()
        if name in known or name in written:
            continue
        path = folder / f"{name}{_suffix(record.image)}"
        path.write_bytes(record.image)
        written[name] = path
    return written


def _suffix(content: bytes) -> str:
    """Return the suffix of a picture's file."""
    import io

    from PIL import Image

    from components.image_example_gen.picture_reader import FORMATS

    form = Image.open(io.BytesIO(content), formats=FORMATS).format or ""
    return SUFFIXES.get(form, f".{form.lower()}")


def _choose_to_label(folder: Path, written: dict[str, Path], domain: str, model: Path) -> None:
    """Move the pictures that `carryover select` would choose to `_to_label`."""
    from pipeline.picture_selection.picture_features import read_features
    from pipeline.picture_selection.selection import select_pictures

    pictures = [
        UnlabelledPicture(str(path), path.name, domain) for _, path in sorted(written.items())
    ]
    features = read_features(pictures, model, frozenset(), None, _ignore)
    target = folder / TO_LABEL
    target.mkdir()
    for choice in select_pictures(features, TO_LABEL_COUNT, SEED).choices:
        Path(choice.picture.location).rename(target / choice.picture.name)
    if not any((folder / UNLABELLED).iterdir()):
        (folder / UNLABELLED).rmdir()


def _ignore(number: int) -> None:
    """Show no progress."""
