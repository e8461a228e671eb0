"""Sections about the model of a run: training, mistakes, calibration and domain distances."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline import component_ids
from pipeline.report.plots.learning_curves import draw_loss_curve, draw_score_curve
from pipeline.report.plots.reliability_diagram import draw_reliability_diagram
from pipeline.report.run_record import RunRecord
from pipeline.report.sections.confusion_matrix import ConfusionMatrix, confusion_matrix
from pipeline.report.sections.domain_distances import DomainDistances, measure_domain_distances
from pipeline.report.sections.mistake_gallery import GalleryPicture, make_mistake_gallery
from pipeline.report.split_predictions import SplitPredictions, read_split_predictions
from trainer_module.export.calibration import calibration_bins, error_of_bins
from trainer_module.export.reference_embeddings import Reference, read_reference

#: Domains with plots. Of more domains, those with the lowest accuracy have them.
MAX_DOMAINS = 20


@dataclass(frozen=True)
class Reliability:
    """Calibration of one domain on the test split.

    Attributes:
        domain: Name of the domain.
        num_pictures: Number of test pictures.
        calibration_error: Expected calibration error.
        diagram: Reliability diagram.
    """

    domain: str
    num_pictures: int
    calibration_error: float
    diagram: Markup


@dataclass(frozen=True)
class ModelSection:
    """Contents of the sections about a model.

    Attributes:
        description: Description in the export, see `model_description.read_description`.
        megabytes: Size of the export in MB (10^6 bytes).
        curves: Stage -> plots of its learning curves.
        num_predicted: Number of test pictures with a prediction.
        confusion_matrices: Confusion matrix of every domain with plots.
        gallery: Most confident mistakes, the most confident first.
        reliability: Calibration of every domain with plots.
        distances: Distances between domains; None if there are too few domains or embeddings.
    """

    description: dict[str, Any]
    megabytes: float
    curves: dict[str, list[Markup]]
    num_predicted: int
    confusion_matrices: list[ConfusionMatrix]
    gallery: list[GalleryPicture]
    reliability: list[Reliability]
    distances: DomainDistances | None


def read_model_section(record: RunRecord) -> ModelSection | None:
    """Read the model of a run, and its predictions for the test split.

    Args:
        record: Run of the report.

    Returns:
        None if the run ended before the training was complete, or its artifacts were deleted.
    """
    artifact = record.output_uri(component_ids.TRAINER, "model") or record.output_uri(
        component_ids.CANDIDATE, "result"
    )
    examples = record.output_uri(component_ids.IMAGE_EXAMPLE_GEN, "examples")
    evaluation = record.output_uri(component_ids.EVALUATOR, "evaluation")
    if artifact is None or examples is None or evaluation is None:
        return None
    from components.compat.tfx_internals import serving_model_path
    from trainer_module.export.model_description import read_description

    model = serving_model_path(artifact)
    size = sum(file.stat().st_size for file in Path(model).rglob("*") if file.is_file())
    return describe_model(
        description=read_description(model),
        megabytes=size / 1e6,
        predictions=read_split_predictions(evaluation, examples),
        reference=read_reference(model),
        accuracies={name: domain.accuracy for name, domain in record.summary.domains.items()},
    )


def describe_model(
    description: dict[str, Any],
    megabytes: float,
    predictions: SplitPredictions,
    reference: Reference | None,
    accuracies: dict[str, float],
) -> ModelSection:
    """Return the contents of the sections about a model.

    Args:
        description: Description in the export, see `model_description.read_description`.
        megabytes: Size of the export in MB (10^6 bytes).
        predictions: Predictions for the test split.
        reference: Reference embeddings; None if the export has none.
        accuracies: Accuracy of every tested domain.
    """
    domains = _domains_with_plots(predictions, accuracies)
    return ModelSection(
        description=description,
        megabytes=megabytes,
        curves=_draw_curves(description["training"]),
        num_predicted=len(predictions.domains),
        confusion_matrices=[_confusion_matrix(predictions, domain) for domain in domains],
        gallery=make_mistake_gallery(predictions.mistakes),
        reliability=[
            _reliability(predictions, number, domain) for number, domain in enumerate(domains)
        ],
        distances=measure_domain_distances(reference, domains) if reference else None,
    )


def _domains_with_plots(predictions: SplitPredictions, accuracies: dict[str, float]) -> list[str]:
    """Return the domains with plots, in the order of their names."""
    present = sorted(set(predictions.domains), key=lambda name: (accuracies.get(name, 0.0), name))
    return sorted(present[:MAX_DOMAINS])


def _draw_curves(training: dict[str, Any]) -> dict[str, list[Markup]]:
    titles = {
        "frozen": "frozen",
        "fine_tuned": "fine-tuned",
        "semi_supervised": "semi-supervised",
    }
    curves = {
        title: training[stage]["curve"]
        for stage, title in titles.items()
        if training.get(stage, {}).get("curve")
    }
    return {
        title: [draw_score_curve(title, curve), draw_loss_curve(title, curve)]
        for title, curve in curves.items()
    }


def _confusion_matrix(predictions: SplitPredictions, domain: str) -> ConfusionMatrix:
    own = predictions.domains == domain
    return confusion_matrix(domain, predictions.labels[own], predictions.predicted[own])


def _reliability(predictions: SplitPredictions, number: int, domain: str) -> Reliability:
    own = predictions.domains == domain
    correct = predictions.labels[own] == predictions.predicted[own]
    bins = calibration_bins(predictions.confidences[own], correct)
    return Reliability(
        domain=domain,
        num_pictures=int(own.sum()),
        calibration_error=error_of_bins(bins),
        diagram=draw_reliability_diagram(domain, number, bins),
    )
