"""Numbers of pictures per class and domain, as a table for the terminal and as a CSV file."""

import io
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.contract.printable_names import printable_name

#: Number of classes that the table shows; the file has all.
MAX_CLASSES = 15

#: Largest number of characters for a name.
NAME_WIDTH = 30

#: Number of characters for a number, and for the space between two columns.
NUMBER_WIDTH, SPACE = 6, 2


@dataclass(frozen=True)
class ClassCounts:
    """Numbers of usable pictures.

    Attributes:
        pictures: Number of pictures by domain, class and split.
    """

    pictures: Counter[tuple[str, str, str]]

    @property
    def domains(self) -> list[str]:
        """Names of the domains, sorted."""
        return sorted({domain for domain, _, _ in self.pictures})

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted({label for _, label, _ in self.pictures})

    def count(self, domain: str, label: str) -> int:
        """Return the number of pictures of a class in a domain."""
        return sum(self.pictures[domain, label, split] for split in SPLITS)


def read_class_counts(catalog_uri: str) -> ClassCounts:
    """Count the pictures of the catalog.

    Args:
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
    """
    from components.image_example_gen.catalog import read_catalog

    names = [example_features.DOMAIN, example_features.LABEL, "split"]
    pictures: Counter[tuple[str, str, str]] = Counter()
    for part in read_catalog(catalog_uri, names):
        pictures.update(zip(*(part[name].to_pylist() for name in names), strict=True))
    return ClassCounts(pictures)


def write_class_counts(counts: ClassCounts, path: Path) -> None:
    """Write a CSV file with a row for every class of every domain.

    Args:
        counts: Numbers of pictures.
        path: Path of the file. Its columns are `domain`, `class`, `pictures`, and one per split.
    """
    text = io.StringIO()
    table = SpreadsheetWriter(text, ["domain", "class", "pictures", *SPLITS], line_end="\n")
    for domain in counts.domains:
        for label in counts.classes:
            splits = [counts.pictures[domain, label, split] for split in SPLITS]
            table.write_row([domain, label, sum(splits), *splits])
    atomic_write(path, text.getvalue())


def show_classes(console: Console, counts: ClassCounts, path: Path) -> None:
    """Print a table with a row per class and a column per domain, as far as they fit.

    Args:
        console: Console of the user.
        counts: Numbers of pictures.
        path: Path of the CSV file with all counts.
    """
    classes, domains = counts.classes[:MAX_CLASSES], counts.domains
    first = max(cell_len(_shown(name)) for name in (*classes, "class"))
    ends = accumulate(max(cell_len(_shown(name)), NUMBER_WIDTH) + SPACE for name in domains)
    shown = domains[: max(1, sum(first + SPACE + end <= console.width for end in ends))]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("class", no_wrap=True)
    for domain in shown:
        table.add_column(plain(_shown(domain)), justify="right", no_wrap=True)
    for label in classes:
        numbers = (counts.count(domain, label) for domain in shown)
        texts = (f"{number:,}" if number else "-" for number in numbers)
        table.add_row(plain(_shown(label)), *texts)
    more = {"classes": len(counts.classes) - len(classes), "domains": len(domains) - len(shown)}
    left_out = " and ".join(f"{number:,} more {noun}" for noun, number in more.items() if number)
    print_table(console, table)
    text = f"pictures per class{f' ({left_out} in the file)' if left_out else ''}: {path}"
    console.print(plain(text), highlight=False, soft_wrap=True)


def _shown(name: str) -> str:
    """Return a name on one line. A long one is cut in the middle: names often differ at the end."""
    name = printable_name(name)
    if cell_len(name) <= NAME_WIDTH:
        return name
    half = (NAME_WIDTH - 1) // 2
    end = set_cell_size(name[::-1], half)[::-1].strip()
    return f"{set_cell_size(name, half)}\u2026{end}"
