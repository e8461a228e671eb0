"""A training that a pass has begun, and what is written of its batch when it has ended."""

import shutil
from dataclasses import dataclass, replace

from pipeline.retraining.batch_decision import BatchResult
from pipeline.summary.summary_schema import Summary


@dataclass(frozen=True)
class BegunTraining:
    """The training of a batch, as JSON-ready values.

    Attributes:
        number: Number of the batch in the ledger.
        changes: Numbers of known pictures that the batch changes, which are part of the event.
        updates: What the training changes of known pictures, a text for people; "" for nothing.
        unlabelled: Folder of the examples of its unlabelled pictures, which is removed when the
            training has succeeded; "" without any.
        conflicts: End of the reason: pictures that another batch contradicts; "" without any.
    """

    number: int
    changes: dict[str, int]
    updates: str = ""
    unlabelled: str = ""
    conflicts: str = ""

    def result(self, summary: Summary, min_pictures: int) -> BatchResult:
        """Return the result of the batch, and remove what its training needed.

        Args:
            summary: Summary of the run, which did not fail.
            min_pictures: Labels per domain that decide on a candidate, `retrain.min_pictures`.
        """
        if self.unlabelled:  # kept where the run failed: the next pass resumes it
            shutil.rmtree(self.unlabelled, ignore_errors=True)
        result = BatchResult.of_run(summary, min_pictures)
        reason = "; ".join(filter(None, (result.reason, self.updates)))
        reason += self.conflicts
        return replace(result, reason=reason, changes={**self.changes, **result.changes})
