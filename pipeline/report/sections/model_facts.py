"""The model of a run: how it was trained, what it gets wrong, how it sees the domains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.report.plots.learning import draw_loss, draw_score
from pipeline.report.plots.reliability import draw_reliability
from pipeline.report.run_record import RunRecord
from pipeline.report.sections.confusion import Confusion, confusion_of
from pipeline.report.sections.distances import Distances, measure_distances
from pipeline.report.sections.gallery import GalleryPicture, make_gallery
from pipeline.report.test_predictions import Answers, ask_model
from trainer_module.export.calibration import calibration_bins, error_of_bins
from trainer_module.export.reference_embeddings import Reference, read_reference

#: Domains that have a plot; of more, those with the lowest accuracy.
MOST_DOMAINS = 20


@dataclass(frozen=True)
class Reliability:
    """How far confidence can be trusted in a domain; the error is that of the test pictures."""

    domain: str
    pictures: int
    error: float
    plot: Markup


@dataclass(frozen=True)
class ModelFacts:
    """What there is to say of a model.

    Attributes:
        description: what the export says of itself, see `export.read_description`.
        megabytes: size of the export.
        curves: stage -> plots of its learning.
        asked: test pictures that the model was asked about.
        is_sample: whether there are more.
        confusions: of every domain shown.
        gallery: the most confident mistakes, the worst of all first.
        reliability: of every domain shown.
        distances: between domains; None where there is nothing to compare.
    """

    description: dict[str, Any]
    megabytes: float
    curves: dict[str, list[Markup]]
    asked: int
    is_sample: bool
    confusions: list[Confusion]
    gallery: list[GalleryPicture]
    reliability: list[Reliability]
    distances: Distances | None


def read_model_facts(record: RunRecord) -> ModelFacts | None:
    """Look at the model of a run.

    Returns:
        None where the run ended before there was one, or it is gone.
    """
    artifact = record.output("Trainer", "model")
    examples = record.output("ImageExampleGen", "examples")
    catalog = record.output("ImageExampleGen", "catalog")
    if artifact is None or examples is None or catalog is None:
        return None
    from tfx.utils.path_utils import serving_model_path

    from trainer_module.export.saved_model import read_description

    model = serving_model_path(artifact)
    answers = ask_model(model, examples, catalog)
    accuracies = {name: domain.accuracy for name, domain in record.summary.domains.items()}
    size = sum(one.stat().st_size for one in Path(model).rglob("*") if one.is_file())
    return describe_model(
        read_description(model), size / 1e6, answers, read_reference(model), accuracies
    )


def describe_model(
    description: dict[str, Any],
    megabytes: float,
    answers: Answers,
    reference: Reference | None,
    accuracies: dict[str, float],
) -> ModelFacts:
    """Draw what is known of a model.

    Args:
        description: see `export.read_description`.
        megabytes: size of the export.
        answers: to the test pictures.
        reference: embeddings, where the export has them.
        accuracies: of every domain that was tested.
    """
    shown = _shown_domains(answers, accuracies)
    return ModelFacts(
        description=description,
        megabytes=megabytes,
        curves=_curves(description["training"]),
        asked=len(answers.domains),
        is_sample=answers.is_sample,
        confusions=[_confusion(answers, domain) for domain in shown],
        gallery=make_gallery(answers.mistakes),
        reliability=[_reliability(answers, *pair) for pair in enumerate(shown)],
        distances=measure_distances(reference, shown) if reference else None,
    )


def _shown_domains(answers: Answers, accuracies: dict[str, float]) -> list[str]:
    """Domains that have plots, in name order."""
    present = sorted(set(answers.domains), key=lambda name: (accuracies.get(name, 0.0), name))
    return sorted(present[:MOST_DOMAINS])


def _curves(training: dict[str, Any]) -> dict[str, list[Markup]]:
    names = {"frozen": "frozen", "fine_tuned": "fine-tuned"}
    curves = {
        shown: training[stage]["curve"]
        for stage, shown in names.items()
        if training.get(stage, {}).get("curve")
    }
    return {
        stage: [draw_score(stage, curve), draw_loss(stage, curve)]
        for stage, curve in curves.items()
    }


def _confusion(answers: Answers, domain: str) -> Confusion:
    own = answers.domains == domain
    return confusion_of(domain, answers.labels[own], answers.answers[own])


def _reliability(answers: Answers, number: int, domain: str) -> Reliability:
    own = answers.domains == domain
    correct = answers.labels[own] == answers.answers[own]
    bins = calibration_bins(answers.confidences[own], correct)
    plot = draw_reliability(domain, number, bins)
    return Reliability(domain, int(own.sum()), error_of_bins(bins), plot)
