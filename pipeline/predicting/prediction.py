"""`carryover predict`: classify pictures with the serving model."""

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from pipeline.config.path_check import check_workspace
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.predicting.domain_report import DomainReport
from pipeline.predicting.picture_paths import PicturePath, find_pictures
from pipeline.predicting.prediction_output import LineOutput, PredictionCheck, PredictionOutput
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.native_messages import hidden_native_messages
from pipeline.terminal.safe_console import SafeConsole
from pipeline.terminal.table_printing import print_table
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted
from trainer_module.export.saved_model_classifier import (
    BATCH_SIZE,
    Predictions,
    SavedModelClassifier,
)


@dataclass(frozen=True)
class PictureResult:
    """Prediction for one picture, or the reason why there is none.

    Attributes:
        picture: The picture.
        label: Predicted class; empty for an unusable picture.
        confidence: Probability of the predicted class; 0 for an unusable picture.
        check: What the model says about its own prediction; None if it says nothing.
        reason: Reason why the picture cannot be classified; None if it was classified.
    """

    picture: PicturePath
    label: str = ""
    confidence: float = 0.0
    check: PredictionCheck | None = None
    reason: str | None = None


def predict_images(
    paths: list[Path],
    workspace: Path,
    name: str | None,
    make_output: Callable[[], PredictionOutput] = LineOutput,
    domain_report: LayoutOptions | None = None,
) -> int:
    """Print label, confidence, novelty and acceptance of every picture.

    A picture that cannot be read is printed with the reason; the others are still classified.

    Args:
        paths: Files, folders, manifests and patterns, see `find_pictures`.
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        make_output: Function that creates the output to which predictions are printed.
        domain_report: What is known about the layout of folders, to print the accuracy per domain,
            too; None for no such report. It goes to stderr unless `make_output` is `LineOutput`,
            so that stdout holds nothing but CSV or JSON.

    Returns:
        Exit code: 0, or 2 if a picture cannot be read.

    Raises:
        InputError: There is no such model or no picture, or a domain report is wanted and no
            picture has a class.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    model = store.path(serving_version(store))
    pictures = find_pictures(paths, domain_report)
    if not pictures:
        raise InputError(
            f"there are no pictures in {', '.join(map(str, paths))}. "
            "Give picture files, folders or patterns."
        )
    if domain_report and not any(picture.domain for picture in pictures):
        raise InputError(
            "--domain-report needs a folder with <domain>/<class>/<picture>, or a manifest."
        )
    import_tensorflow_quietly()
    output, report = make_output(), DomainReport()
    num_unusable = 0
    for result in _with_progress(_classify(pictures, model), len(pictures)):
        picture = result.picture
        if result.reason is not None:
            output.unusable(picture.path, result.reason)
            num_unusable += 1
        else:
            output.classified(picture.path, result.label, result.confidence, result.check)
            if picture.domain:
                report.add(picture.domain, picture.label, result.label)
    if domain_report and report.num_pictures:
        _print_report(report, SafeConsole(stderr=make_output is not LineOutput))
    if len(pictures) > len(paths) and num_unusable:
        text = f"{num_unusable:,} of {counted(len(pictures), 'file')} could not be read"
        SafeConsole(stderr=True).print(text, highlight=False)
    return 2 if num_unusable else 0


def _print_report(report: DomainReport, console: Console) -> None:
    print_table(console, report.table())
    if report.labels_never_match():
        console.print(
            "No folder is named like a predicted class. "
            "Give the meaning of the folders with --layout."
        )


def _classify(pictures: list[PicturePath], model: Path) -> Iterator[PictureResult]:
    """Yield the results in the order of the pictures, with one batch in memory at a time."""
    # The model is loaded for the first picture that can be read; there may be none.
    load = functools.cache(lambda: SavedModelClassifier(model))
    for start in range(0, len(pictures), BATCH_SIZE):
        yield from _classify_batch(pictures[start : start + BATCH_SIZE], load)


def _classify_batch(
    batch: list[PicturePath], load: Callable[[], SavedModelClassifier]
) -> list[PictureResult]:
    images: dict[int, bytes] = {}
    results: dict[int, PictureResult] = {}
    for index, picture in enumerate(batch):
        try:
            images[index] = _read(picture)
        except UnusablePictureError as error:
            results[index] = PictureResult(picture, reason=str(error))
    if images:
        predictions = load().predict(list(images.values()))
        for index, label, confidence, check in zip(
            images, predictions.labels, predictions.confidences, _checks(predictions), strict=True
        ):
            results[index] = PictureResult(batch[index], label, float(confidence), check)
    return [results[index] for index in range(len(batch))]


def _checks(predictions: Predictions) -> list[PredictionCheck | None]:
    """Return what the model says about each of its predictions."""
    if predictions.novelties is None or predictions.accepted is None:
        return [None] * len(predictions.labels)
    rows = zip(predictions.novelties, predictions.accepted, strict=True)
    return [PredictionCheck(float(novelty), bool(accepted)) for novelty, accepted in rows]


def _read(picture: PicturePath) -> bytes:
    """Read a picture and prepare it for the model as ingestion does.

    Raises:
        UnusablePictureError: The file cannot be opened or is no usable picture.
    """
    if picture.reason:
        raise UnusablePictureError(picture.reason)
    try:
        content = picture.path.read_bytes()
    except OSError as error:
        raise UnusablePictureError(f"cannot be opened: {error.strerror}") from None
    with hidden_native_messages():  # the reason that is raised is enough
        return read_picture(content).encoded


def _with_progress(results: Iterator[PictureResult], count: int) -> Iterator[PictureResult]:
    """Show a progress bar on stderr, if there are many pictures and stdout is no terminal."""
    console = SafeConsole(stderr=True)
    silent = count <= BATCH_SIZE or not console.is_terminal or sys.stdout.isatty()
    with Progress(
        console=console, disable=silent, transient=True, redirect_stdout=False
    ) as progress:
        yield from progress.track(results, total=count, description="classifying")
