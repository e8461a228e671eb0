"""`carryover export`: the model that serves in another format, compared with itself."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.image_example_gen.ingestion import read_bytes
from components.image_example_gen.pictures import UnusablePictureError, read_picture
from components.pusher.data_set import read_data_set
from pipeline.predicting.prediction import import_tensorflow_quietly
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import locate
from trainer_module.export.export_formats import Format

#: Pictures of the train split that show an int8 model what ranges there are.
SAMPLE = 200
BATCH = 64

Row = dict[str, Any]


def export_model(workspace: Path, name: str | None, form: Format, output: Path | None) -> None:
    """Convert the version that serves, and compare it with the SavedModel on the test split.

    Args:
        workspace: whose model is exported.
        name: of the model, see `find_store`.
        form: what to make of it.
        output: folder for the model and for a JSON file with labels, agreement and accuracies; None
            for one in the workspace, where `carryover report` finds it.

    Raises:
        InputError: there is no such model, it does not know its pictures, they are gone, or the
            format needs what is not installed.
    """
    store = find_store(workspace, name)
    version = serving_version(store)
    folder = store.path(version)
    import_tensorflow_quietly()
    from trainer_module.export.conversion import convert
    from trainer_module.export.saved_model import load_classifier, read_description

    rows = _rows(folder)
    description = read_description(str(folder))
    size = description["image_size"]
    sample = [pixels for _, _, pixels in _batches(_spread(rows["train"]), store.root, size)]
    temperature = description["temperature"]
    content, run = convert(load_classifier(str(folder)), temperature, form, np.concatenate(sample))
    report = _compare(folder, run, rows["test"], store.root, description)
    output = output or Workspace(store.root).exports(store.name, version)
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{store.name}-{version}-{form}.{form.split('-')[0]}"
    path.write_bytes(content)
    facts = {"model": store.name, "version": version, "format": form, "bytes": len(content)}
    facts |= {"labels": description["labels"], "image_size": size}
    path.with_suffix(".json").write_text(json.dumps(facts | report, indent=1) + "\n")
    _show(report, path, len(content))


def _rows(folder: Path) -> dict[str, list[Row]]:
    """The pictures that a version was made from, by split."""
    table = read_data_set(folder)
    if table is None:
        raise InputError(f"{folder} does not list its pictures. Push a version with carryover run.")
    rows = defaultdict(list)
    for row in table.to_pylist():
        rows[row["split"]].append(row)
    return rows


def _spread(rows: list[Row]) -> list[Row]:
    """Some pictures from all over the list, which is sorted by domain and class."""
    return rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]


def _batches(
    rows: list[Row], root: Path, size: int
) -> Iterator[tuple[list[Row], list[bytes], np.ndarray]]:
    """Pictures as the model was given them: encoded, and as pixels of its size."""
    from trainer_module.data.preprocessing import decode_and_resize

    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        encoded = [_read(row, root) for row in batch]
        pixels = [decode_and_resize(content, size).numpy() for content in encoded]
        yield batch, encoded, np.stack(pixels).astype(np.float32)


def _read(row: Row, root: Path) -> bytes:
    location = locate(str(root), row["location"].decode("utf-8", "surrogateescape"))
    try:
        return read_picture(read_bytes(location)).encoded
    except UnusablePictureError as error:
        raise InputError(
            f"{location}: {error}. An export is checked on the pictures of its version; put them "
            "back where they were."
        ) from None


def _compare(
    folder: Path, run: Any, rows: list[Row], root: Path, description: dict[str, Any]
) -> dict[str, Any]:
    """Agreement and accuracies, over all and per domain."""
    import tensorflow as tf

    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    labels = np.array(description["labels"], object)
    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4))
    for batch, encoded, pixels in _batches(rows, root, description["image_size"]):
        before = served(image=tf.constant(encoded))["probabilities"].numpy().argmax(axis=1)
        after = run(pixels).argmax(axis=1)
        for row, one, other in zip(batch, labels[before], labels[after], strict=True):
            truth = row[example_features.LABEL]
            counts[row[example_features.DOMAIN]] += (1, one == other, one == truth, other == truth)
    domains = {domain: _shares(counts[domain]) for domain in sorted(counts)}
    return {"domains": domains, "all": _shares(np.sum(list(counts.values()), axis=0))}


def _shares(counts: np.ndarray) -> dict[str, float]:
    pictures, same, before, after = counts
    return {
        "test_images": int(pictures),
        "agreement": same / pictures,
        "saved_model_accuracy": before / pictures,
        "accuracy": after / pictures,
    }


def _show(report: dict[str, Any], path: Path, size: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    for heading in ("images", "agreement", "SavedModel", "exported"):
        table.add_column(heading, justify="right", no_wrap=True)
    for domain, one in [*report["domains"].items(), ("all", report["all"])]:
        shares = (f"{one[key]:.3f}" for key in ("agreement", "saved_model_accuracy", "accuracy"))
        table.add_row(escape(domain), f"{one['test_images']:,}", *shares)
    console = Console()
    console.print(table)
    text = f"{size / 2**20:.1f} MiB: {path}"
    console.print(text, highlight=False, soft_wrap=True, markup=False)
