"""Names of the domains and classes that a version was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from components.data_gate.statistics.baseline_statistics import read_baseline_statistics
from components.pusher.data_set import read_data_set
from trainer_module.contract import example_features
from trainer_module.export.model_description import read_description, unlabelled_domains


@dataclass(frozen=True)
class KnownNames:
    """Domains and classes that a version was trained on, in its last training or before.

    The statistics of a version are those of its last training. A retraining replays a sample only,
    and `retrain.window` leaves batches out: what it did not read is known all the same.

    Attributes:
        domains: Names of the domains; empty for a version that was pushed without them.
        classes: Names of the classes.
    """

    domains: frozenset[str]
    classes: frozenset[str]


def read_known_names(model: str) -> KnownNames:
    """Return the names that a version knows: by its pictures, its statistics and its description.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: A file of the version is unreadable, damaged or lost.
    """
    domains: set[str] = set()
    classes: set[str] = set()
    if statistics := read_baseline_statistics(model):
        domains |= statistics.domains.keys()
        classes |= statistics.overall.classes.keys()
    if pictures := read_data_set(Path(model)):
        trained = pictures.filter(pc.equal(pictures["split"], "train"))
        domains |= set(trained[example_features.DOMAIN].unique().to_pylist())
    description = _description(model)
    domains |= unlabelled_domains(description)
    classes |= set(description.get("labels", ()))
    return KnownNames(frozenset(domains), frozenset(classes))


def _description(model: str) -> Mapping[str, Any]:
    try:
        return read_description(model)
    except FileNotFoundError:  # another program has exported the model
        return {}
