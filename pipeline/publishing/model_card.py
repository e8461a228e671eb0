"""`MODEL_CARD.md`: what a version is, what it was trained on, and how well it does, in Markdown."""

import html
import re
from collections.abc import Iterable
from typing import Any

from components.evaluation.statistics.accuracy_interval import accuracy_interval
from pipeline.publishing.served_version import ServedVersion
from pipeline.summary.acceptance_result import AcceptanceResult
from pipeline.summary.unlabelled_training import describe_unlabelled_training
from pipeline.version_lookup import CONFIDENCE
from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.output_text.wording import counted, plural
from trainer_module.contract.printable_names import printable_name
from trainer_module.export.model_description import ACCEPTANCE

#: Characters that mean something in Markdown, besides those that HTML escapes.
_MARKUP = re.compile(r"([\\`*_\[\]|~])")

_STAGES = {
    "frozen": "trained on the frozen backbone",
    "fine_tuned": "fine-tuned",
    "semi_supervised": "fine-tuned with unlabelled pictures",
}

_LIMITS = (
    "Intended for pictures of these classes from these domains. For any other domain, estimate the "
    "accuracy with `carryover crossval`, or add its pictures with `carryover retrain`.",
    "Out of scope: pictures that show none of the classes, because the model always predicts one; "
    "and decisions about people without human review.",
    "Test pictures are used neither for training nor for model selection. The figures hold for "
    "pictures like those; an interval says what chance alone explains.",
)

_LICENCE = (
    "No licence is recorded with a version. Those of the pictures that it was trained on, and of "
    "the pretrained weights of its backbone, say what may be done with it."
)


def model_card(version: ServedVersion) -> str:
    """Return the model card of a version, in Markdown. Names of users are escaped.

    It is a function of what is in the version and in the summary of its run, and of nothing else.

    Args:
        version: Version in the serving directory.
    """
    parts = [
        f"# {markdown_text(version.name)}, version {version.number}",
        _list(_facts(version)),
        "## Accuracy on the test split",
        _domain_table(version.push.domains),
        f"The interval contains the true accuracy with a probability of {CONFIDENCE:.0%}. `ECE` is "
        "the expected calibration error.",
        *(_accepted_section(acceptance) if (acceptance := _acceptance(version)) else ()),
        "## Limits",
        _list(_LIMITS),
        "## Lineage",
        _list(_lineage(version)),
        "## Licence",
        _LICENCE,
    ]
    return "\n\n".join(parts) + "\n"


def markdown_text(text: str) -> str:
    """Return a text on one line that Markdown and HTML show as it is.

    Args:
        text: Text that may come from a user, such as the name of a folder.
    """
    return html.escape(_MARKUP.sub(r"\\\1", printable_name(text)), quote=False)


def _facts(version: ServedVersion) -> Iterable[str]:
    about, summary = version.description, version.summary
    chosen = about["training"]["chosen"]
    yield (
        f"Architecture: {markdown_text(about['backbone'])} at {about['image_size']} px and one "
        f"linear layer, {_STAGES[chosen]}"
    )
    yield f"Classes ({len(about['labels'])}): {_names(about['labels'])}"
    yield f"Domains: {_names(about['training'][chosen]['domain_accuracy'])}"
    test_images = {name: one.get("test_images") for name, one in version.push.domains.items()}
    for before, domain, after in describe_unlabelled_training(about, test_images):
        yield f"{before}{markdown_text(domain)}{after}"
    if summary and summary.images:
        yield (
            f"Training data: {counted(summary.images.train, 'picture')} {_sources(version)}; model "
            f"selection on {summary.images.eval:,} more, test on {summary.images.test:,}"
        )
    yield f"Confidence: calibrated with a temperature of {about['temperature']:.3f}"
    outputs = "`label`, `confidence` and `probabilities`"
    if _acceptance(version):
        outputs = "`label`, `confidence`, `probabilities`, `novelty` and `accepted`"
    yield (
        f"Input and output: encoded pictures in; {outputs} out (signature `serving_default`). "
        "Decoding and resizing are part of the model."
    )


def _sources(version: ServedVersion) -> str:
    """Return where the training pictures come from, as a part of a sentence."""
    recorded = version.summary.data_root if version.summary else ""
    data = markdown_text(masked_text(version.data or recorded))
    if not version.push.batch:
        return f"from {data}"
    name = version.summary.batch if version.summary else ""
    newest = f", the newest of which is {markdown_text(name)}" if name else ""
    return f"from {data} and from batches{newest}"


def _acceptance(version: ServedVersion) -> AcceptanceResult | None:
    """Return the accepted predictions of a version; None for one that does not tell them."""
    limits = version.description["training"].get(ACCEPTANCE)
    return None if limits is None else AcceptanceResult.model_validate(limits)


def _accepted_section(acceptance: AcceptanceResult) -> Iterable[str]:
    """Yield what `novelty` and `accepted` mean, and what is accepted in every domain."""
    wanted = f"{acceptance.accuracy:.0%}"
    yield "## Novelty and accepted predictions"
    yield _list(
        (
            "`novelty` says how far a picture is from the training pictures, as a percentile from "
            "0 to 1: 0.5 is usual, and close to 1 is unlike every known domain.",
            _describe_limits(acceptance),
            f"These limits are chosen so that at least {wanted} of the accepted predictions are "
            "correct in every known domain. In the last column, `yes` means that the eval split "
            "shows it with a confidence of 0.9; with `no` it has too few pictures for that, and "
            "the share may be chance.",
            "For any other domain nothing is promised, and an accepted picture of an unknown class "
            "is always wrong.",
        )
    )
    header = "| domain | eval pictures | accepted | coverage | accuracy | at least | shown |"
    lines = [header, "|---|---:|---:|---:|---:|---:|---|"]
    for name, one in sorted(acceptance.domains.items()):
        cells = [
            markdown_text(name),
            f"{one.pictures:,}",
            f"{one.accepted:,}",
            _figure(one.coverage if one.pictures else None),
            _figure(one.accuracy),
            _figure(one.accuracy_low),
            "yes" if one.is_shown else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    yield "\n".join(lines)


def _describe_limits(acceptance: AcceptanceResult) -> str:
    if acceptance.min_confidence > 1:
        return "`accepted` is false for every prediction: no limit on the confidence is safe."
    return (
        f"`accepted` is true from a confidence of {acceptance.min_confidence:.3f} on, up to a "
        f"novelty of {acceptance.max_novelty:g}."
    )


def _domain_table(domains: dict[str, dict[str, Any]]) -> str:
    if not domains:
        return "No domain was tested."
    lines = [
        "| domain | test pictures | accuracy | interval | macro F1 | log loss | ECE | baseline |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, metrics in sorted(domains.items()):
        figures = (metrics.get(key) for key in ("macro_f1", "log_loss", "ece", "baseline_accuracy"))
        cells = [
            markdown_text(name),
            _count(metrics.get("test_images")),
            _figure(metrics.get("accuracy")),
            _interval(metrics.get("accuracy"), metrics.get("test_images")),
            *map(_figure, figures),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _lineage(version: ServedVersion) -> Iterable[str]:
    push, summary = version.push, version.summary
    yield f"Run {push.run_id}, pushed {push.pushed_at}"
    yield f"SHA-256 of the model: `{push.digest}`"
    if push.baseline_version:
        yield f"Baseline: version {push.baseline_version}, which it was compared with"
    if push.ancestors:
        numbers = ", ".join(map(str, push.ancestors))
        yield f"Goes back to {plural('version', len(push.ancestors))} {numbers}"
    if push.batch:
        name = f"{markdown_text(summary.batch)} " if summary and summary.batch else ""
        yield f"Retrained for the batch {name}with the digest `{push.batch}`"
    if push.accepted:
        yield f"Not blessed, and accepted by a person: {markdown_text(push.accepted)}"
    if summary is None:
        yield "The run was removed: seed, library versions and Git revision are not known."
        return
    yield f"Seed {summary.seed}; listing of the pictures `{summary.listing or 'not kept'}`"
    environment = {key: value for key, value in summary.environment.items() if key != "seed"}
    yield markdown_text(", ".join(f"{key} {value}" for key, value in environment.items() if value))


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(markdown_text, names))


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(accuracy: float | None, pictures: float | None) -> str:
    if accuracy is None or not pictures:
        return "-"
    low, high = accuracy_interval(accuracy, pictures, CONFIDENCE)
    return f"{low:.3f} to {high:.3f}"
