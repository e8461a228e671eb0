"""Classify pictures with the model that serves."""

import os
import warnings
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.image_example_gen.pictures import UnusablePictureError, read_picture
from pipeline.serving_versions import find_store, serving_version

#: Pictures sent through the model at once.
BATCH = 64


def predict_images(paths: list[Path], workspace: Path, name: str | None) -> int:
    """Print label and confidence of every picture.

    A picture that cannot be read gets a line with the reason; the others are still classified.

    Args:
        paths: pictures.
        workspace: whose model answers.
        name: of the model, see `find_store`.

    Returns:
        Exit code: 0, or 2 when a picture could not be read.
    """
    store = find_store(workspace, name)
    newest = serving_version(store)
    import_tensorflow_quietly()
    pictures, unusable = _read(paths)
    errors = Console(stderr=True)
    for path, reason in unusable.items():
        errors.print(f"{escape(_shown(path))}: {escape(reason)}", highlight=False, soft_wrap=True)
    if pictures:
        _classify(pictures, store.path(newest))
    return 2 if unusable else 0


def _classify(pictures: dict[Path, bytes], model: Path) -> None:
    """Print a line per picture: its path, label and confidence."""
    import tensorflow as tf

    console, paths = Console(), list(pictures)
    signature = tf.saved_model.load(str(model)).signatures["serving_default"]
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        answer = signature(image=tf.constant([pictures[path] for path in batch]))
        rows = zip(batch, answer["label"].numpy(), answer["confidence"].numpy(), strict=True)
        for path, label, confidence in rows:
            text = f"{_shown(path)}  {label.decode('utf-8', 'replace')}  {confidence:.3f}"
            console.print(escape(text), highlight=False, soft_wrap=True)


def _shown(path: Path) -> str:
    """A path as text; what is no UTF-8 in a file's name cannot be printed."""
    return os.fsencode(path).decode("utf-8", "replace")


def _read(paths: list[Path]) -> tuple[dict[Path, bytes], dict[Path, str]]:
    """Pictures as ingestion would hand them to the model, and the reasons for all others."""
    pictures, unusable = {}, {}
    for path in paths:
        try:
            pictures[path] = read_picture(path.read_bytes()).encoded
        except OSError as error:
            unusable[path] = f"cannot be opened: {error.strerror}"
        except UnusablePictureError as error:
            unusable[path] = str(error)
    return pictures, unusable


def import_tensorflow_quietly() -> None:
    """Its start-up messages, and the warnings of libraries that it brings, are no answer."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401
