"""`carryover export`: convert the serving model, and compare the result with the SavedModel."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table

from components.image_example_gen.ingestion import read_file
from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from components.pusher.data_set import DataSetRow, read_data_set
from components.pusher.version_store import VersionStore
from pipeline.config.output_check import prepare_output_folder
from pipeline.config.path_check import check_workspace
from pipeline.logs.captured_output import captured_output
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.example_features import PROBABILITIES
from trainer_module.contract.locations import locate
from trainer_module.export.export_formats import Format
from trainer_module.export.saved_model_classifier import SavedModelClassifier, pictures_per_batch

#: Training pictures that are run through an int8 model to find the ranges of its activations.
CALIBRATION_PICTURES = 200

Pixels: TypeAlias = npt.NDArray[np.float32]


class ExportMetrics(TypedDict):
    """Metrics of an exported model and of its SavedModel on the same test pictures.

    Attributes:
        test_images: Number of pictures.
        agreement: Share of the pictures for which both models predict the same class.
        saved_model_accuracy: Accuracy of the SavedModel.
        accuracy: Accuracy of the exported model.
    """

    test_images: int
    agreement: float
    saved_model_accuracy: float
    accuracy: float


class Comparison(TypedDict):
    """Metrics by domain, and over all test pictures; domains without a test split."""

    domains: dict[str, ExportMetrics]
    untested: list[str]
    all: ExportMetrics


@dataclass(frozen=True)
class _PictureBatch:
    """Pictures in the forms that the two models take.

    Attributes:
        rows: Rows of the data set.
        encoded: Encoded pictures, for the SavedModel.
        pixels: Decoded pictures, for an exported model, float32 [pictures, size, size, 3].
    """

    rows: list[DataSetRow]
    encoded: list[bytes]
    pixels: Pixels


def export_model(workspace: Path, name: str | None, form: Format, output: Path | None) -> None:
    """Convert the serving version, and compare it with its SavedModel on the test split.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        form: Format to convert the model to.
        output: Folder for the model and for a JSON file with labels, agreement and accuracies; None
            for one in the workspace, where `carryover report` finds it.

    Raises:
        InputError: There is no such model, its version has no list of pictures, a picture is not
            found, a package that the format needs is not installed, or the output folder cannot be
            written.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    version = serving_version(store)
    workspace_paths = Workspace(store.root)
    output = output or workspace_paths.exports(store.name, version)
    prepare_output_folder(output)
    with captured_output(workspace_paths.log("export")) as console:  # converters print much
        path, comparison = _export(store, version, form, output)
        _print_metrics(console, comparison, path)


def _export(
    store: VersionStore, version: int, form: Format, output: Path
) -> tuple[Path, Comparison]:
    """Write a converted version and its metrics, and return the path of the model and these."""
    from trainer_module.export.acceptance_rule import read_rule
    from trainer_module.export.conversion import convert
    from trainer_module.export.model_description import read_description
    from trainer_module.export.saved_model import load_classifier

    folder = store.path(version)
    rows = _read_rows(folder)
    description = read_description(str(folder))
    labels, size = description["labels"], description["image_size"]
    sample = _batches(_spread(rows["train"]), store.root, size)
    pixels = np.concatenate([batch.pixels for batch in sample])
    content, run = convert(
        load_classifier(str(folder)),
        description["temperature"],
        form,
        pixels,
        read_rule(str(folder)),
    )
    tests = _batches(rows["test"], store.root, size)
    domains = {row["domain"] for of_split in rows.values() for row in of_split}
    comparison = _compare(SavedModelClassifier(folder), run, tests, labels, domains)
    path = output / f"{store.name}-{version}-{form}.{form.split('-')[0]}"
    atomic_write(path, content)
    facts = {"model": store.name, "version": version, "format": form, "bytes": len(content)}
    facts |= {"labels": labels, "image_size": size}
    atomic_write(path.with_suffix(".json"), json.dumps({**facts, **comparison}, indent=1) + "\n")
    return path, comparison


def _read_rows(folder: Path) -> dict[str, list[DataSetRow]]:
    """Read the list of pictures that a version was made from, by split."""
    table = read_data_set(folder)
    if table is None:
        raise InputError(f"{folder} does not list its pictures. Push a version with carryover run.")
    rows: dict[str, list[DataSetRow]] = defaultdict(list)
    for row in table.to_pylist():
        rows[row["split"]].append(row)
    return rows


def _spread(rows: list[DataSetRow]) -> list[DataSetRow]:
    """Choose rows from all over a list, because it is sorted by domain and class."""
    return rows[:: max(1, len(rows) // CALIBRATION_PICTURES)][:CALIBRATION_PICTURES]


def _batches(rows: list[DataSetRow], root: Path, size: int) -> Iterator[_PictureBatch]:
    """Read pictures in batches.

    Args:
        rows: Rows of the data set.
        root: Folder of the workspace.
        size: Side of the decoded pictures, in pixels.
    """
    from trainer_module.data.preprocessing import decode_and_resize

    batch_size = pictures_per_batch(size)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        encoded = [_read(row, root) for row in batch]
        pixels = [decode_and_resize(content, size).numpy() for content in encoded]
        yield _PictureBatch(batch, encoded, np.stack(pixels).astype(np.float32))


def _read(row: DataSetRow, root: Path) -> bytes:
    location = locate(str(root), row["location"].decode("utf-8", "surrogateescape"))
    try:
        return read_picture(read_file(location).content).encoded
    except UnusablePictureError as error:
        raise InputError(
            f"{location}: {error}. An export is checked on the pictures of its version; put them "
            "back where they were."
        ) from None


def _compare(
    saved_model: SavedModelClassifier,
    run: Callable[[Pixels], dict[str, npt.NDArray[Any]]],
    batches: Iterator[_PictureBatch],
    labels: list[str],
    domains: set[str],
) -> Comparison:
    """Compare an exported model with its SavedModel.

    Args:
        saved_model: The SavedModel.
        run: Function that runs the exported model: pixels -> outputs, see `conversion.Outputs`.
        batches: Test pictures.
        labels: Class names in the order of the probabilities.
        domains: All domains of the version.
    """
    counts: dict[str, npt.NDArray[np.float64]] = defaultdict(lambda: np.zeros(4))
    for batch in batches:
        by_saved_model = saved_model.predict(batch.encoded).probabilities.argmax(axis=1)
        by_export = run(batch.pixels)[PROBABILITIES].argmax(axis=1)
        for row, expected, exported in zip(batch.rows, by_saved_model, by_export, strict=True):
            counts[row["domain"]] += (
                1,
                expected == exported,
                labels[expected] == row["label"],
                labels[exported] == row["label"],
            )
    return {
        "domains": {domain: _metrics(counts[domain]) for domain in sorted(counts)},
        "all": _metrics(np.sum(list(counts.values()), axis=0)),
        "untested": sorted(domains - counts.keys()),
    }


def _metrics(counts: npt.NDArray[np.float64]) -> ExportMetrics:
    num_pictures, num_agreeing, saved_model_correct, correct = counts
    return {
        "test_images": int(num_pictures),
        "agreement": num_agreeing / num_pictures,
        "saved_model_accuracy": saved_model_correct / num_pictures,
        "accuracy": correct / num_pictures,
    }


def _print_metrics(console: Console, comparison: Comparison, path: Path) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    for heading in ("images", "agreement", "SavedModel", "exported"):
        table.add_column(heading, justify="right", no_wrap=True)
    for domain, metrics in [*comparison["domains"].items(), ("all", comparison["all"])]:
        table.add_row(
            plain(domain),
            f"{metrics['test_images']:,}",
            f"{metrics['agreement']:.3f}",
            f"{metrics['saved_model_accuracy']:.3f}",
            f"{metrics['accuracy']:.3f}",
        )
    print_table(console, table)
    if comparison["untested"]:
        names = ", ".join(f"'{plain(name)}'" for name in comparison["untested"])
        text = f"Not compared, because they have no test split: {names}"
        console.print(text, highlight=False, soft_wrap=True)
    text = plain(f"{path.stat().st_size / 2**20:.1f} MiB: {path}")
    console.print(text, highlight=False, soft_wrap=True)
