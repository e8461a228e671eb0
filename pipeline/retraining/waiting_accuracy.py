"""Accuracy of the pictures that wait for a training, as it was when their batches arrived."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow


def waiting_accuracies(
    rows: Mapping[int, Sequence[BatchRow]], batches: Iterable[Batch]
) -> dict[str, float]:
    """Return the accuracy of the waiting pictures by domain.

    It is the mean of the accuracies in the ledger, weighted by the pictures with a label that
    wait. A domain without any is left out.

    Args:
        rows: Waiting rows by number of their batch.
        batches: Batches of the ledger.
    """
    correct: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    for batch in batches:
        for row in rows.get(batch.number, ()):
            domain = row["domain"]
            accuracy = batch.numbers.get(domain, {}).get("accuracy")
            if row["label"] and accuracy is not None:
                correct[domain] += accuracy
                counts[domain] += 1
    return {name: correct[name] / count for name, count in counts.items()}
