"""The schema of `runs/<run id>/summary.json`. Importable without TensorFlow."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError, model_validator

from components.data_gate.findings import Finding
from pipeline.summary.acceptance_result import AcceptanceResult
from pipeline.summary.slices.slice_result import SliceResult
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

_REMEDY = "Restore it from a backup, or remove it: then the run counts as unfinished."


class Images(BaseModel):
    """Numbers of input files, by result of the ingestion and by split."""

    read: int
    rejected: int
    train: int
    eval: int
    test: int


class ClassResult(BaseModel):
    """Recall of one class in one domain, compared with that of the baseline.

    Attributes:
        test_images: Number of test pictures.
        recall: Recall of the candidate, 0 to 1.
        baseline_recall: Recall of the baseline.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of that interval.
        is_proven: Whether a loss is proven, with all other classes and domains taken into account.
        passed: Whether the gate passed.
        detectable_loss: Smallest loss that the gate notices with a probability of 0.8.
        needed_images: Number of test pictures with which it would notice a loss of
            `gate.class_max_drop`; null if no number is enough.
    """

    test_images: int
    recall: float
    baseline_recall: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    is_proven: bool = False
    passed: bool = True
    detectable_loss: float | None = None
    needed_images: int | None = None


class MetricResult(BaseModel):
    """One of the metrics in `gate.metrics` in one domain, compared with that of the baseline.

    Attributes:
        test_images: Number of test pictures that both have predictions for.
        baseline: Metric of the baseline.
        candidate: Metric of the candidate.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of that interval.
        limit: Largest loss that is allowed.
        is_proven: Whether a loss is proven, with all other tests taken into account.
        passed: Whether the gate passed.
        detectable_loss: Smallest loss that the gate notices with a probability of 0.8.
        needed_images: Number of test pictures with which it would notice a loss of `limit`; null if
            no number is enough.
    """

    test_images: int
    baseline: float
    candidate: float
    change_low: float
    change_high: float
    limit: float
    is_proven: bool
    passed: bool
    detectable_loss: float
    needed_images: int | None


class Domain(BaseModel):
    """Metrics of the candidate on the test pictures of one domain, and of earlier versions.

    Attributes:
        test_images: Number of test pictures, with those that are cross-fitted.
        cross_fitted_images: Number of pictures that are cross-fitted: the candidate's predictions
            for them are those of models that were trained without them.
        accuracy: Accuracy, 0 to 1.
        accuracy_low: Lower end of its confidence interval, with the level `gate.confidence`; null
            in runs before there were any.
        accuracy_high: Upper end of that interval.
        macro_f1: Mean F1 score over the classes.
        log_loss: Mean negative log likelihood of the true class, in nats.
        ece: Expected calibration error.
        compared_images: Number of test pictures that are compared with the baseline: it has
            predictions for them, too, and knows their classes. 0 without a baseline. The fields
            from `baseline_accuracy` to `change_high`, and `detectable_loss`, are about them.
        baseline_accuracy: Accuracy of the baseline; null without a baseline.
        change: Accuracy of the candidate minus that of the baseline; null without a baseline.
        change_low: Lower end of the confidence interval of the change, with the level
            `gate.confidence`; null without a baseline.
        change_high: Upper end of that interval.
        best_version: Earlier version that was best in the domain; null where there is none.
        best_accuracy: Accuracy of that version on the test pictures that it knows.
        detectable_loss: Smallest loss that the gate notices with a probability of 0.8; null for a
            new domain, and without a baseline.
        needed_images: Number of test pictures with which the gate would notice a loss of
            `gate.max_drop`; null if no number is enough.
        classes: Results of the classes by name; empty without a baseline.
        metrics: Results of the metrics in `gate.metrics` by name; empty for a new domain, and
            without a baseline.
    """

    test_images: int
    cross_fitted_images: int = 0
    accuracy: float
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    macro_f1: float
    log_loss: float
    ece: float
    compared_images: int = 0
    baseline_accuracy: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    best_version: int | None = None
    best_accuracy: float | None = None
    detectable_loss: float | None = None
    needed_images: int | None = None
    classes: dict[str, ClassResult] = {}
    metrics: dict[str, MetricResult] = {}

    @model_validator(mode="after")
    def _with_change(self) -> "Domain":
        """Fill in what the summaries of earlier versions of carryover lack."""
        if self.change is None and self.baseline_accuracy is not None:
            self.change = self.accuracy - self.baseline_accuracy
            self.compared_images = self.test_images
        return self

    @property
    def is_partly_compared(self) -> bool:
        """Whether the baseline has predictions for some of the test pictures only."""
        return 0 < self.compared_images < self.test_images

    @property
    def is_too_small(self) -> bool:
        """Whether the gate would need more test pictures to notice the loss that it forbids."""
        if self.detectable_loss is None:
            return False
        return self.needed_images is None or self.needed_images > self.compared_images


class Stage(BaseModel):
    """Result of one stage of the training, on the eval split.

    Attributes:
        eval_accuracy: Accuracy over all pictures.
        eval_mean_domain_accuracy: Mean of the accuracies per domain.
        eval_domain_accuracy: Accuracy per domain.
        epochs: Number of epochs.
        seconds: Time of the stage.
        share: Share of the time of the run; null if the Trainer's outputs came from the cache.
    """

    eval_accuracy: float
    eval_mean_domain_accuracy: float
    eval_domain_accuracy: dict[str, float]
    epochs: int
    seconds: float
    share: float | None


class Stages(BaseModel):
    """Results of the stages, and the stage whose model was exported.

    Only a retraining with unlabelled pictures has the semi-supervised stage.
    """

    frozen: Stage
    fine_tuned: Stage | None
    semi_supervised: Stage | None = None
    chosen: Literal["frozen", "fine_tuned", "semi_supervised"]


class DomainCalibration(BaseModel):
    """Expected calibration error in a domain of the eval split, before and after calibration."""

    ece_before: float
    ece_after: float


class Calibration(BaseModel):
    """Calibration of the exported model by temperature scaling, on the eval split.

    Attributes:
        temperature: Number that logits are divided by before the softmax. It is above 1 if the
            model was overconfident.
        domains: Calibration errors by name of the domain.
    """

    temperature: float
    domains: dict[str, DomainCalibration]


class Summary(BaseModel):
    """`runs/<run id>/summary.json`.

    Attributes:
        run_id: Id of the run.
        data_root: Folder or URI that the paths of pictures are relative to.
        status: Whether the candidate serves (`pushed`), was rejected, awaits labels, or the run
            failed.
        pushed_version: Version that serves the model of this run; null otherwise.
        new_version: False if the model had already been pushed by an earlier run.
        baseline_version: Version that the candidate was compared with; null without a baseline.
        reasons: Why the candidate was rejected or the run failed.
        images: Numbers of pictures; null if the run failed.
        reject_reasons: Number of rejected files, by reason.
        ignored_files: Number of hidden and system files in the data folder, by kind.
        findings: Findings of the data gate.
        classes: Labels of the model, in the order of its outputs.
        domains: Metrics by name of the domain.
        slices: Results of the slices that `slices` names.
        without_value: Number of test pictures without a value, by column of a slice.
        worst_domain: Domain with the lowest accuracy.
        mean_domain_accuracy: Mean of the accuracies per domain.
        stages: Results of the training; null if the run failed.
        calibration: Calibration of the model; null if the run failed.
        acceptance: Accepted predictions of the model; null if the run failed, and in earlier runs.
        seconds: Seconds per component, and `total`.
        cached: Ids of the components whose outputs came from the cache.
        environment: Seed (`seed`), versions (`python` and the libraries), hardware (`platform`,
            `cpus`, and the `device` of the training, null if the run failed) and `git_revision` of
            the code (null outside a git work tree).
        seed: Seed of the run.
        listing: Name of the listing of pictures in the folder `inputs` of the workspace.
        slice_values: Name of the file with the values of slices there; empty without slices.
        batch: Name of the batch that the run was a retraining for; empty for other runs, and for
            earlier ones.
        unlabelled: Name of the list of the unlabelled pictures there that were trained on, by the
            digests of their files; empty for none.
        without_label: Number of new pictures without a label in a retraining, which are in none of
            `images`; 0 for other runs.
        unverified: Domains in which no picture had a label, with the names of the pictures whose
            labels decide on the candidate. No names where a candidate is pushed without them.
        label_commands: Commands that label these pictures and let the labels decide.
    """

    run_id: str
    data_root: str = ""
    status: Literal["pushed", "not_blessed", "awaiting_labels", "failed"]
    pushed_version: int | None
    new_version: bool
    baseline_version: int | None
    reasons: list[str]
    images: Images | None
    reject_reasons: dict[str, int]
    ignored_files: dict[str, int]
    findings: list[Finding]
    classes: list[str]
    domains: dict[str, Domain]
    slices: list[SliceResult] = []
    without_value: dict[str, int] = {}
    worst_domain: str | None
    mean_domain_accuracy: float | None
    stages: Stages | None
    calibration: Calibration | None
    acceptance: AcceptanceResult | None = None
    seconds: dict[str, float]
    cached: list[str]
    environment: dict[str, str | int | None]
    seed: int
    listing: str = ""
    slice_values: str = ""
    batch: str = ""
    unlabelled: str = ""
    without_label: int = 0
    unverified: dict[str, list[str]] = {}
    label_commands: list[str] = []

    @classmethod
    def read(cls, folder: Path) -> "Summary":
        """Read the `summary.json` of a run that has ended.

        Args:
            folder: Folder of the run.

        Raises:
            UnavailableError: The run has not ended, or the file is unreadable or damaged.
        """
        path = folder / "summary.json"
        content = read_state(path, "summary", _REMEDY)
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise damaged_file(path, "summary", error.errors()[0]["msg"], _REMEDY) from None

    def write(self, folder: Path) -> Path:
        """Write `summary.json` in one step, so that readers see all of it or nothing."""
        return atomic_write(folder / "summary.json", self.model_dump_json(indent=1) + "\n")
