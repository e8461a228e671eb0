"""Options and metrics of a run, as tracking shows them: flat names and simple values."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.summary.summary_schema import Summary
from trainer_module.contract.output_text.credentials import masked_settings

#: Groups and dotted keys of a config that decide nothing about a model.
_LEFT_OUT = (
    *("workspace", "check_disk", "notify", "publish", "kubeflow", "beam"),
    *("retrain.inbox", "retrain.allowed_roots", "retrain.quiet_seconds", "retrain.poll_seconds"),
    *("retrain.attempts", "backbone.download"),
)

#: Metrics of a domain.
_DOMAIN_METRICS = ("accuracy", "macro_f1", "log_loss", "ece", "test_images", "baseline_accuracy")


def run_options(config: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """Return the options of a run by their dotted keys; lists and nulls are texts.

    Credentials are masked: the stored config of an early version of carryover holds them.

    Args:
        config: Config of the run.
    """
    options = _flat(masked_settings(config), "")
    return {key: value for key, value in options if not _is_left_out(key)}


def run_metrics(summary: Summary) -> dict[str, float]:
    """Return the metrics of a run: per domain `<metric>/<domain>`, overall, and its times.

    Args:
        summary: Summary of the run; that of a failed one has times alone.
    """
    metrics = {
        f"{name}/{domain}": float(value)
        for domain, result in summary.domains.items()
        for name in _DOMAIN_METRICS
        if (value := getattr(result, name)) is not None
    }
    if summary.mean_domain_accuracy is not None:
        metrics["mean_domain_accuracy"] = summary.mean_domain_accuracy
    if summary.images:
        images = summary.images.model_dump().items()
        metrics |= {f"images/{name}": float(count) for name, count in images}
    return metrics | {f"seconds/{name}": value for name, value in summary.seconds.items()}


def _is_left_out(key: str) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in _LEFT_OUT)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str | float | bool]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, int | float) else str(value)
