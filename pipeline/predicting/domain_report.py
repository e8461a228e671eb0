"""Accuracy per domain of pictures whose folders say what they are."""

from collections import Counter
from dataclasses import dataclass, field

from rich import box
from rich.markup import escape
from rich.table import Table


@dataclass
class DomainReport:
    """Counts of labelled pictures, by domain.

    Attributes:
        pictures: that were classified.
        right: whose label is the class that their folder names. A class that the model does not
            know is never right.
        classes: that folders name.
        answers: that the model gave.
    """

    pictures: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    classes: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)

    def add(self, domain: str, label: str, answer: str) -> None:
        """Count one picture.

        Args:
            domain: that it is from.
            label: class that its folder names.
            answer: of the model.
        """
        self.pictures[domain] += 1
        self.right[domain] += label == answer
        self.classes.add(label)
        self.answers.add(answer)

    def is_meaningless(self) -> bool:
        """Whether no folder is named like an answer, so that the folders are no classes."""
        return not self.classes & self.answers

    def accuracies(self) -> dict[str, float]:
        """Share of right ones, by domain."""
        return {domain: self.right[domain] / self.pictures[domain] for domain in self.pictures}

    def table(self) -> Table:
        """A row per domain, and the mean over domains."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("domain", overflow="fold")
        for heading in ("pictures", "accuracy"):
            table.add_column(heading, justify="right", no_wrap=True)
        accuracies = dict(sorted(self.accuracies().items()))
        for domain, accuracy in accuracies.items():
            table.add_row(escape(domain), f"{self.pictures[domain]:,}", f"{accuracy:.3f}")
        mean = sum(accuracies.values()) / len(accuracies)
        table.add_section()
        table.add_row("mean", f"{self.pictures.total():,}", f"{mean:.3f}")
        return table
