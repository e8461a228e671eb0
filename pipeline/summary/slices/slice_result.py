"""The part of the summary about one slice. Importable without TensorFlow."""

from pydantic import BaseModel


class SliceResult(BaseModel):
    """Metrics of the candidate on the test pictures of one slice, and the change of its accuracy.

    Attributes:
        values: Column -> value, such as `{"domain": "ward", "scanner": "B"}`.
        test_images: Number of test pictures.
        accuracy: Accuracy, 0 to 1.
        accuracy_low: Lower end of its confidence interval, with the level `gate.confidence`.
        accuracy_high: Upper end of that interval.
        macro_f1: Mean F1 score over the classes.
        log_loss: Mean negative log likelihood of the true class, in nats.
        ece: Expected calibration error.
        compared_images: Number of test pictures in domains and of classes that the baseline was
            trained on; the fields below are about them. 0 without a baseline.
        baseline_accuracy: Accuracy of the baseline; null without one.
        change: Accuracy of the candidate minus that of the baseline.
        change_low: Lower end of its confidence interval, with the level `gate.confidence`.
        change_high: Upper end of that interval.
        limit: Largest loss that is allowed; null where the slice is not gated.
        is_proven: Whether a loss is proven, with all other tests taken into account.
        passed: Whether the gate passed.
        detectable_loss: Smallest loss that the gate notices with a probability of 0.8.
        needed_images: Number of test pictures with which it would notice a loss of `limit`; null if
            no number is enough.
    """

    values: dict[str, str]
    test_images: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    log_loss: float
    ece: float
    compared_images: int = 0
    baseline_accuracy: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    limit: float | None = None
    is_proven: bool = False
    passed: bool = True
    detectable_loss: float | None = None
    needed_images: int | None = None
