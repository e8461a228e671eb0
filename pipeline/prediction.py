"""Classify pictures with the model that serves."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.image_example_gen.pictures import UnusablePictureError, read_picture
from pipeline.serving_versions import find_store
from trainer_module.errors import InputError

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
    newest = store.newest()
    if newest is None:
        raise InputError(f"no version serves in {store.serving}. Run: carryover run")
    pictures, unusable = _read(paths)
    console, errors = Console(), Console(stderr=True)
    for path, reason in unusable.items():
        errors.print(f"{escape(str(path))}: {escape(reason)}", highlight=False, soft_wrap=True)
    if pictures:
        model = _load(store.path(newest))
        readable = list(pictures)
        for start in range(0, len(readable), BATCH):
            batch = readable[start : start + BATCH]
            answer = model([pictures[path] for path in batch])
            rows = zip(batch, answer["label"].numpy(), answer["confidence"].numpy(), strict=True)
            for path, label, confidence in rows:
                text = f"{path}  {label.decode('utf-8', 'replace')}  {confidence:.3f}"
                console.print(escape(text), highlight=False, soft_wrap=True)
    return 2 if unusable else 0


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


def _load(folder: Path) -> Callable[[list[bytes]], dict[str, Any]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that TensorFlow brings
        import tensorflow as tf

    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda images: signature(image=tf.constant(images))
