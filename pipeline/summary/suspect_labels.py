"""The list of pictures that may be mislabelled for the user: `suspect-labels.csv`."""

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.label_issues.label_issues import LabelIssues, read_label_issues

COLUMNS = ("path", "domain", "label", "suggested", "probability")


def write_suspect_labels(model: str, path: Path, catalog_uri: str | None = None) -> None:
    """Write one row per picture that may be mislabelled, the most suspicious first.

    Without such pictures, or for a model without `label_issues`, write no file.

    Args:
        model: Folder of the SavedModel that was trained on the pictures.
        path: Path of the CSV file to write.
        catalog_uri: URI of a `catalog` artifact. Pictures that it does not have with the same label
            are left out; None leaves out none.
    """
    issues = read_label_issues(model)
    if issues is None:
        return
    chosen = np.ones(len(issues), np.bool_)
    if catalog_uri is not None:
        chosen = _have_same_label(issues, catalog_uri)
    if not chosen.any():
        return
    text = io.StringIO(newline="")
    table = SpreadsheetWriter(text, list(COLUMNS))
    for row in np.flatnonzero(chosen):
        table.write_row(
            [
                os.fsdecode(issues.image_ids[row]),
                str(issues.domains[row]),
                str(issues.labels[row]),
                str(issues.suggested[row]),
                f"{issues.qualities[row]:.4f}",
            ]
        )
    atomic_write(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _have_same_label(issues: LabelIssues, catalog_uri: str) -> npt.NDArray[np.bool_]:
    """Return which issues a catalog has with the same label, bool [issues]."""
    wanted = set(issues.image_ids.tolist())
    labels: dict[bytes, str] = {}
    for table in read_catalog(catalog_uri, [example_features.IMAGE_ID, example_features.LABEL]):
        ids = table[example_features.IMAGE_ID].to_pylist()
        pairs = zip(ids, table[example_features.LABEL].to_pylist(), strict=True)
        labels |= {image_id: label for image_id, label in pairs if image_id in wanted}
    given = zip(issues.image_ids.tolist(), issues.labels.tolist(), strict=True)
    same = [labels.get(image_id) == label for image_id, label in given]
    return np.array(same, np.bool_)
