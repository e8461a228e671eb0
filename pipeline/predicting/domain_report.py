"""Accuracy per domain of pictures whose folders name domain and class."""

from collections import Counter
from dataclasses import dataclass, field

from rich import box
from rich.table import Table

from pipeline.terminal.safe_console import plain


@dataclass
class DomainReport:
    """Counts of classified pictures with a known class, by domain.

    Attributes:
        num_pictures: Number of classified pictures, by domain.
        num_correct: Number of pictures that were classified correctly, by domain. A picture of a
            class that the model does not know is never correct.
        labels: Classes that the folders name.
        predicted_labels: Classes that the model predicted.
    """

    num_pictures: Counter[str] = field(default_factory=Counter)
    num_correct: Counter[str] = field(default_factory=Counter)
    labels: set[str] = field(default_factory=set)
    predicted_labels: set[str] = field(default_factory=set)

    def add(self, domain: str, label: str, predicted_label: str) -> None:
        """Count one picture.

        Args:
            domain: Domain of the picture.
            label: Class that the picture's folder names.
            predicted_label: Class that the model predicted.
        """
        self.num_pictures[domain] += 1
        self.num_correct[domain] += label == predicted_label
        self.labels.add(label)
        self.predicted_labels.add(predicted_label)

    def labels_never_match(self) -> bool:
        """Return whether no folder is named like a predicted class.

        The folders are then probably not classes.
        """
        return not self.labels & self.predicted_labels

    def accuracies(self) -> dict[str, float]:
        """Return the accuracy of every domain, between 0 and 1."""
        return {
            domain: self.num_correct[domain] / count for domain, count in self.num_pictures.items()
        }

    def table(self) -> Table:
        """Return a table with a row per domain, and one for the mean over domains."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("domain", overflow="fold")
        for heading in ("pictures", "accuracy"):
            table.add_column(heading, justify="right", no_wrap=True)
        accuracies = dict(sorted(self.accuracies().items()))
        for domain, accuracy in accuracies.items():
            table.add_row(plain(domain), f"{self.num_pictures[domain]:,}", f"{accuracy:.3f}")
        mean = sum(accuracies.values()) / len(accuracies)
        table.add_section()
        table.add_row("mean", f"{self.num_pictures.total():,}", f"{mean:.3f}")
        return table
