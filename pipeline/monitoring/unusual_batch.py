"""Delivers unusual pictures to an inbox, as a batch without labels."""

import hashlib
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

from components.image_example_gen.splits import digest
from pipeline.config.path_check import folder_problem, inbox_remedy
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL, UNLABELLED
from pipeline.inputs.sidecar import SIDECAR, domain_cell
from pipeline.monitoring.monitor_state import DeliveredBatch, PendingBatch, StreamState
from pipeline.monitoring.seen_pictures import SeenPictures
from pipeline.monitoring.traffic_reader import TrafficSource, records_between
from pipeline.picture_selection.folder_names import name_folders
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, sync_path
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

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
    source: TrafficSource,
    model: Path,
    inbox: Path,
) -> bool:
    """Write a batch with the unusual pictures that were not delivered before, under a hidden name.

    The state of the client domain gets the batch as `pending`, and its pictures as `delivered`.
    Once the state is on the disk, `move_to_inbox` makes it visible: a process that is killed in
    between delivers nothing twice, and loses nothing.

    The name of the batch has a digest of what it holds, because `carryover watch` takes a batch
    under a known name for a new delivery of that one, and what is known may be gone from the inbox.

    Pictures that `carryover select` would choose are in `_to_label`, the others in `_unlabelled`.

    Args:
        stream: State of the client domain, without a pending batch.
        unusual: Its unusual pictures.
        domain: Its name.
        source: The version.
        model: Its folder.
        inbox: Folder in which batches arrive.

    Returns:
        Whether there is a batch: not if fewer than `MIN_PICTURES` pictures are new.

    Raises:
        InputError: The inbox cannot be written.
        UnavailableError: The traffic cannot be read.
    """
    folder = name_folders([domain or UNNAMED_DOMAIN])[domain or UNNAMED_DOMAIN]
    draft = _draft_path(inbox, model, domain)
    is_complete = False
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        written = _write_pictures(
            draft / folder / UNLABELLED, source, domain, unusual, set(stream.delivered)
        )
        if len(written) < MIN_PICTURES:
            return False
        _choose_to_label(draft / folder, written, domain, model)
        _name_domain(draft, folder, domain)
        (draft / READY).touch()
        _sync(draft)
        is_complete = True
    except OSError as error:
        raise _unwritable(inbox, error) from None
    finally:
        if not is_complete:
            shutil.rmtree(draft, ignore_errors=True)
    moment = datetime.fromtimestamp(float(unusual.times.min()), timezone.utc)
    digests = sorted(written)
    content = hashlib.sha256("/".join([folder, *digests]).encode()).hexdigest()[:8]
    path = draft.with_name(f"traffic-{source.version}-{moment:%Y%m%d-%H%M%S}-{content}")
    stream.pending = PendingBatch(str(draft), str(path), _identify(draft.parent), digests)
    stream.delivered += digests
    return True


def check_inbox(inbox: Path) -> None:
    """Check that an inbox is a folder.

    Args:
        inbox: Folder in which batches arrive.

    Raises:
        InputError: It is not.
    """
    if problem := folder_problem(inbox):
        remedy = inbox_remedy(inbox, problem, ", the --inbox of carryover watch")
        raise InputError(f"--deliver {inbox} {problem}. {remedy}")


def move_to_inbox(stream: StreamState, inbox: Path) -> Path | None:
    """Give the pending batch of a client domain its name, in the inbox in which it was written.

    Afterwards it is the newest batch of the client domain, which has no pending one. If the batch
    is gone for good, its pictures are no longer `delivered`.

    Args:
        stream: State of the client domain.
        inbox: Folder in which batches arrive now.

    Returns:
        The folder of the batch; None if there is none, or it is gone.

    Raises:
        InputError: The inbox cannot be written, or the batch may be back when a disk is mounted.
    """
    pending = stream.pending
    if pending is None:
        return None
    draft, path = Path(pending.draft), Path(pending.path)
    try:
        if _exists(draft):
            path = _free_path(path)
            draft.rename(path)
            sync_path(path.parent)
        elif not _exists(path):
            _check_is_gone(pending, inbox)
            gone = set(pending.digests)
            stream.delivered = [name for name in stream.delivered if name not in gone]
            stream.pending = None
            return None
    except OSError as error:
        raise _unwritable(draft.parent, error) from None
    stream.pending = None
    moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
    stream.newest_batch = DeliveredBatch(str(path), moment)
    return path


def _check_is_gone(pending: PendingBatch, inbox: Path) -> None:
    """Check that a batch which is not to be seen is not on a disk that is not mounted.

    Raises:
        InputError: It may be.
    """
    is_same_inbox = inbox.resolve() == Path(pending.draft).parent
    if is_same_inbox and pending.inbox_id and _identify(inbox) != pending.inbox_id:
        raise InputError(
            f"--deliver {inbox}: {Path(pending.path).name}, which was written there, is not there, "
            "and the folder is another one than it was. If a disk is not mounted, mount it. If the "
            "folder was made anew, remove the folder monitoring of the workspace: then the "
            "pictures are delivered again."
        )


def _exists(path: Path) -> bool:
    """Return whether a path exists; unlike `Path.exists`, this raises where it cannot be told."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _identify(folder: Path) -> str:
    """Return what tells a folder from the one under a mount point, and from one that is new."""
    status = folder.stat()
    return f"{status.st_dev}-{status.st_ino}"


def _draft_path(inbox: Path, model: Path, domain: str) -> Path:
    """Return the path of the draft. One monitor at a time works for a workspace."""
    owner = hashlib.sha256(os.fsencode(f"{model.resolve()}/{domain}")).hexdigest()
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
    source: TrafficSource,
    domain: str,
    unusual: SeenPictures,
    known: set[str],
) -> dict[str, Path]:
    """Write the files of pictures that are new; return their paths by digest."""
    times = set(unusual.times.tolist())
    start, end = float(unusual.times.min()), float(unusual.times.max())
    written: dict[str, Path] = {}
    folder.mkdir(parents=True)
    for record in records_between(source.workspace, start, end + 1e-3):
        if not source.has(record) or record.domain != domain or record.time not in times:
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
    features = read_features(pictures, model, frozenset())
    target = folder / TO_LABEL
    target.mkdir()
    for choice in select_pictures(features, TO_LABEL_COUNT, SEED).choices:
        Path(choice.picture.location).rename(target / choice.picture.name)
    if not any((folder / UNLABELLED).iterdir()):
        (folder / UNLABELLED).rmdir()


def _name_domain(draft: Path, folder: str, domain: str) -> None:
    """Write a sidecar with the domain of all pictures, where no folder can have its name."""
    cell = domain_cell(domain, folder)
    if not domain or not cell:
        return
    with (draft / SIDECAR).open("w", encoding="utf-8", newline="") as file:
        rows = SpreadsheetWriter(file, ["path", "domain"])
        for path in sorted((draft / folder).glob("*/*")):
            rows.write_row([str(path.relative_to(draft)), domain])
