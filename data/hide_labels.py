"""Copies a batch in which only some pictures of every class keep their label, drawn at random.

    python data/hide_labels.py data/incoming/2026-line-art my-inbox/2026-line-art

All other pictures come to `<domain>/_unlabelled/`, as if nobody had labelled them yet.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import sys
from pathlib import Path

SIDECAR = "sidecar.csv"
READY = "_READY"


def hide_labels(batch: Path, output: Path, per_class: int, seed: int) -> tuple[int, int]:
    """Copy a batch, most of it without labels. An earlier copy is replaced.

    Args:
        batch: Folder with `<domain>/<class>/<picture>`, and perhaps a sidecar.
        output: Folder of the copy.
        per_class: Number of pictures of every class of every domain that keep their label.
        seed: Seed of the draw.

    Returns:
        Number of pictures with and without a label.
    """
    draw = random.Random(seed)  # noqa: S311 (no secret)
    places: dict[str, str] = {}  # new path by the path in the batch
    for folder in sorted(path for path in batch.glob("*/*") if path.is_dir()):
        names = sorted(path.name for path in folder.iterdir())
        labelled = set(draw.sample(names, min(per_class, len(names))))
        domain, label = folder.relative_to(batch).parts
        for name in names:
            place = label if name in labelled else "_unlabelled"
            places[f"{domain}/{label}/{name}"] = f"{domain}/{place}/{name}"
    shutil.rmtree(output, ignore_errors=True)
    for source, target in places.items():
        (output / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(batch / source, output / target)
    if (batch / SIDECAR).exists():
        _copy_sidecar(batch / SIDECAR, output / SIDECAR, places)
    (output / READY).touch()
    num_hidden = sum("/_unlabelled/" in target for target in places.values())
    return len(places) - num_hidden, num_hidden


def _copy_sidecar(source: Path, target: Path, places: dict[str, str]) -> None:
    with source.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = [row | {"path": places[row["path"]]} for row in reader]
        columns = list(reader.fieldnames or [])
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Copy the batch that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("batch", type=Path, help="folder with <domain>/<class>/<picture>")
    parser.add_argument("output", type=Path, help="folder of the copy, which is replaced")
    parser.add_argument("--per-class", type=int, default=20, metavar="N", help="labels to keep")
    parser.add_argument("--seed", type=int, default=17, help="seed of the draw")
    given = parser.parse_args(arguments)
    if not any(given.batch.glob("*/*/*")):
        print(f"{given.batch} has no <domain>/<class>/<picture>.", file=sys.stderr)
        return 2
    kept, hidden = hide_labels(given.batch, given.output, given.per_class, given.seed)
    print(f"{given.output}: {kept} pictures with a label, {hidden} without")
    return 0


if __name__ == "__main__":
    sys.exit(main())
