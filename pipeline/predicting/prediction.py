"""Classify pictures with the model that serves."""

import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from components.image_example_gen.pictures import UnusablePictureError, read_picture
from pipeline.predicting.domain_report import DomainReport
from pipeline.predicting.picture_paths import PicturePath, find_pictures
from pipeline.predicting.prediction_output import Lines, Output
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError

#: Pictures sent through the model at once.
BATCH = 64


def predict_images(
    paths: list[Path],
    workspace: Path,
    name: str | None,
    make_output: Callable[[], Output] = Lines,
    domain_report: bool = False,
) -> int:
    """Print label and confidence of every picture.

    A picture that cannot be read is told with the reason; the others are still classified.

    Args:
        paths: files, folders and patterns, see `find_pictures`.
        workspace: whose model answers.
        name: of the model, see `find_store`.
        make_output: how predictions are printed.
        domain_report: print the accuracy per domain, too; on stderr where the predictions are not
            for people.

    Returns:
        Exit code: 0, or 2 when a picture could not be read.

    Raises:
        InputError: there is no such model, no picture, or none with a class to report on.
    """
    store = find_store(workspace, name)
    model = store.path(serving_version(store))
    pictures = find_pictures(paths)
    if not pictures:
        raise InputError(f"no pictures in {', '.join(map(str, paths))}.")
    if domain_report and not any(picture.domain for picture in pictures):
        raise InputError("--domain-report needs a folder with <domain>/<class>/<picture>.")
    import_tensorflow_quietly()
    output, report = make_output(), DomainReport()
    unusable = 0
    for picture, answer in _with_progress(_classified(pictures, model), len(pictures)):
        if isinstance(answer, str):
            output.unusable(picture.path, answer)
            unusable += 1
        else:
            output.classified(picture.path, *answer)
            if picture.domain:
                report.add(picture.domain, picture.label, answer[0])
    console = Console(stderr=make_output is not Lines)
    if domain_report and report.pictures:
        console.print(report.table())
        if report.is_meaningless():
            console.print("No folder is named like an answer. Is it <domain>/<class>/<picture>?")
    if len(pictures) > len(paths) and unusable:
        text = f"{unusable:,} of {len(pictures):,} files could not be read"
        Console(stderr=True).print(text, highlight=False)
    return 2 if unusable else 0


#: Label and confidence, or why there are none.
Answer = tuple[str, float] | str


def _classified(pictures: list[PicturePath], model: Path) -> Iterator[tuple[PicturePath, Answer]]:
    """Every picture with its answer, in their order; a batch of them is in memory."""
    import tensorflow as tf

    # Loaded for the first picture that can be read; there may be none.
    load = functools.cache(lambda: tf.saved_model.load(str(model)).signatures["serving_default"])
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        read = [_read(picture) for picture in batch]
        yield from zip(batch, _answers(load, read), strict=True)


def _answers(load: Callable[[], Any], read: list[bytes | str]) -> Iterator[Answer]:
    """Answers to pictures; reasons are passed on."""
    import tensorflow as tf

    images = [content for content in read if isinstance(content, bytes)]
    answers: Iterator[Answer] = iter(())
    if images:
        outputs = load()(image=tf.constant(images))
        labels = (label.decode("utf-8", "replace") for label in outputs["label"].numpy())
        answers = zip(labels, outputs["confidence"].numpy(), strict=True)
    for content in read:
        yield content if isinstance(content, str) else next(answers)


def _read(picture: PicturePath) -> bytes | str:
    """A picture as ingestion would hand it to the model, or the reason why it cannot."""
    if picture.reason:
        return picture.reason
    try:
        return read_picture(picture.path.read_bytes()).encoded
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    except UnusablePictureError as error:
        return str(error)


def _with_progress(
    answers: Iterator[tuple[PicturePath, Answer]], count: int
) -> Iterator[tuple[PicturePath, Answer]]:
    """A bar on stderr where there are many, unless the answers themselves show how far it is."""
    console = Console(stderr=True)
    silent = count <= BATCH or not console.is_terminal or sys.stdout.isatty()
    with Progress(
        console=console, disable=silent, transient=True, redirect_stdout=False
    ) as progress:
        yield from progress.track(answers, total=count, description="classifying")


def import_tensorflow_quietly() -> None:
    """Its start-up messages, and the warnings of libraries that it brings, are no answer."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401
