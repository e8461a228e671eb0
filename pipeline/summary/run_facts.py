"""What every summary contains, whether the run succeeded or failed."""

from dataclasses import dataclass, field

from components.data_gate.findings import Finding
from pipeline.summary.environment import Environment
from pipeline.summary.summary_schema import Summary


@dataclass(frozen=True)
class RunFacts:
    """Fields of `Summary` that do not depend on how the run ended, under the same names.

    Attributes:
        run_id: Id of the run.
        data_root: Folder or URI that the paths of pictures are relative to.
        seconds: Seconds per component, and `total`.
        cached: Ids of the components whose outputs came from the cache.
        ignored_files: Number of hidden and system files in the data folder, by kind.
        findings: Findings of the data gate.
        environment: See `describe_environment`.
        seed: Seed of the run.
        listing: Name of the listing of pictures in the folder `inputs`.
        slice_values: Name of the file with the values of slices there; "" without slices.
        batch: Name of the batch that the run is a retraining for; "" for other runs.
        unlabelled: Name of the list there of unlabelled pictures to train on; "" for none.
        without_label: Number of new pictures without a label, in a retraining.
        unverified: Domains in which no picture has a label, with the names of the pictures whose
            labels decide on the candidate.
        label_commands: Commands that label these pictures and let the labels decide.
    """

    run_id: str
    data_root: str
    seconds: dict[str, float]
    cached: list[str]
    ignored_files: dict[str, int]
    findings: list[Finding]
    environment: Environment
    seed: int
    listing: str = ""
    slice_values: str = ""
    batch: str = ""
    unlabelled: str = ""
    without_label: int = 0
    unverified: dict[str, list[str]] = field(default_factory=dict)
    label_commands: list[str] = field(default_factory=list)


def failed_summary(facts: RunFacts, reason: str) -> Summary:
    """Return the summary of a run that failed.

    Args:
        facts: Facts of the run.
        reason: Error message, in one line.
    """
    return Summary(
        **vars(facts),
        status="failed",
        reasons=[reason],
        pushed_version=None,
        new_version=False,
        baseline_version=None,
        images=None,
        reject_reasons={},
        classes=[],
        domains={},
        worst_domain=None,
        mean_domain_accuracy=None,
        stages=None,
        calibration=None,
    )
