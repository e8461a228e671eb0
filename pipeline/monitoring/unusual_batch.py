"""Delivers unusual pictures to an inbox, as a batch without labels."""

import os
from datetime import datetime, timezone
from pathlib import Path

from components.image_example_gen.splits import digest
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL, UNLABELLED
from pipeline.monitoring.monitor_state import StreamState
from pipeline.monitoring.seen_pictures import SeenPictures
from pipeline.monitoring.traffic_reader import records_between
from pipeline.picture_selection.folder_names import name_folders
from pipeline.picture_selection.output_draft import draft_of
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.inbox import READY
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


def deliver(
    stream: StreamState,
    unusual: SeenPictures,
    domain: str,
    workspace: Path,
    version: int,
    model: Path,
    inbox: Path,
) -> Path | None:
    """Write a batch with the unusual pictures that were not delivered before.

    Its folder appears in the inbox when it is complete. Pictures that `carryover select` would
    choose are in `_to_label`, the others in `_unlabelled`.

    Args:
        stream: State of the client domain; the digests of what was delivered are added to it.
        unusual: Its unusual pictures.
        domain: Its name.
        workspace: Folder of the workspace.
        version: Number of the version.
        model: Folder of the version.
        inbox: Folder in which batches arrive.

    Returns:
        The folder of the batch; None if fewer than `MIN_PICTURES` pictures are new.

    Raises:
        InputError: The inbox cannot be written.
        UnavailableError: The traffic cannot be read.
    """
    folder = name_folders([domain or UNNAMED_DOMAIN])[domain or UNNAMED_DOMAIN]
    batch = _new_folder(inbox, version, float(unusual.times[0]))
    try:
        with draft_of(batch) as draft:
            known = set(stream.delivered)
            written = _write_pictures(
                draft / folder / UNLABELLED, workspace, domain, version, unusual, known
            )
            if len(written) < MIN_PICTURES:
                raise _TooFewError
            _choose_to_label(draft / folder, written, domain, model)
            (draft / READY).touch()
    except _TooFewError:
        return None
    except OSError as error:
        raise InputError(
            f"--deliver {inbox}: {error.strerror}. Give a folder that can be written."
        ) from None
    stream.delivered += sorted(written)
    return batch


class _TooFewError(Exception):
    """There are too few pictures for a batch: its draft is removed."""


def _new_folder(inbox: Path, version: int, start: float) -> Path:
    """Return a path in the inbox that does not exist."""
    moment = datetime.fromtimestamp(start, timezone.utc)
    name = f"traffic-{version}-{moment:%Y%m%d-%H%M%S}"
    number = 1
    while os.path.lexists(path := inbox / (name if number == 1 else f"{name}-{number}")):
        number += 1
    return path


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
