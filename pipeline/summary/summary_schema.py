"""The schema of `runs/<run id>/summary.json`. Importable without TensorFlow."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from components.data_gate.findings import Finding


class Images(BaseModel):
    """Pictures by what became of them."""

    read: int
    rejected: int
    train: int
    eval: int
    test: int


class Domain(BaseModel):
    """One domain's test pictures: how the candidate did, and what served before.

    Attributes:
        change_low: end of the confidence interval of the change in accuracy, see `gate.confidence`;
            null without a baseline.
        change_high: the other end.
    """

    test_images: int
    accuracy: float
    macro_f1: float
    log_loss: float
    ece: float
    baseline_accuracy: float | None
    change_low: float | None = None
    change_high: float | None = None


class Stage(BaseModel):
    """One stage of training, on the eval split.

    Attributes:
        share: of the run's seconds; null where the Trainer was answered from the cache.
    """

    eval_accuracy: float
    eval_mean_domain_accuracy: float
    eval_domain_accuracy: dict[str, float]
    epochs: int
    seconds: float
    share: float | None


class Stages(BaseModel):
    """Both stages, and which one was exported."""

    frozen: Stage
    fine_tuned: Stage | None
    chosen: Literal["frozen", "fine_tuned"]


class DomainCalibration(BaseModel):
    """Calibration error of a domain on the eval split, without and with the temperature."""

    ece_before: float
    ece_after: float


class Calibration(BaseModel):
    """How the confidence of the exported model was corrected, on the eval split.

    Attributes:
        temperature: that logits are divided by before the softmax; above 1 where the model was
            too confident.
        domains: by name.
    """

    temperature: float
    domains: dict[str, DomainCalibration]


class Summary(BaseModel):
    """`runs/<run id>/summary.json`.

    Attributes:
        data_root: that the paths of pictures are relative to.
        calibration: null where the run failed.
        environment: what the figures were made with: `seed`; versions (`python` and the libraries);
            hardware (`platform`, `cpus` and, null where the run failed, the `device` of the
            training); `git_revision` of the code, null where it is not in a git work tree of its
            own.
    """

    run_id: str
    data_root: str = ""
    status: Literal["pushed", "not_blessed", "failed"]
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
    worst_domain: str | None
    mean_domain_accuracy: float | None
    stages: Stages | None
    calibration: Calibration | None
    seconds: dict[str, float]
    cached: list[str]
    environment: dict[str, str | int | None]
    seed: int

    @classmethod
    def read(cls, folder: Path) -> "Summary":
        """Read the `summary.json` of a run that has ended."""
        return cls.model_validate_json((folder / "summary.json").read_text(encoding="utf-8"))

    def write(self, folder: Path) -> Path:
        """Write `summary.json`, whole or not at all."""
        unfinished = folder / "summary.json.part"
        unfinished.write_text(self.model_dump_json(indent=1) + "\n")
        return unfinished.rename(folder / "summary.json")
