"""Finds what a request names among the loaded versions of the model, for REST and for gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.serving.loaded_versions import LoadedVersions, VersionState
from pipeline.serving.protocol.predict_request import MAX_QUOTED
from pipeline.serving.served_model import ServedModel
from pipeline.serving.version_labels import LabelledVersion
from pipeline.web.request_errors import RequestError


@dataclass(frozen=True)
class ModelLookup:
    """The only model of a server, by its name and version.

    Attributes:
        name: Name of the model. All others are unknown.
        versions: Loaded versions of the model.
        labels: Versions by label.
    """

    name: str
    versions: LoadedVersions[ServedModel]
    labels: Mapping[str, LabelledVersion] = field(default_factory=dict)

    def find_labelled(self, label: str) -> int | None:
        """Return the number of the version that a label stands for; None if none is loaded.

        Args:
            label: Label in the request.

        Raises:
            RequestError: There is no such label: status 400, with TensorFlow Serving's message.
        """
        if label not in self.labels:
            raise RequestError(400, f"Unrecognized servable version label: {label[:MAX_QUOTED]}")
        version = self.labels[label]
        if version == "newest":
            return self.versions.newest()
        return self.versions.serving() if version == "serving" else version

    def find_model(self, name: str, number: int | None) -> ServedModel:
        """Return the version that a request is for.

        Args:
            name: Name of the model in the request.
            number: Number of the version; None for the serving version.

        Raises:
            RequestError: It is not loaded: status 404, with TensorFlow Serving's message.
        """
        model = self.versions.get(number) if name == self.name else None
        if model is None:
            wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise RequestError(404, f"Servable not found for request: {wanted}")
        return model

    def find_states(self, name: str, number: int | None) -> dict[int, VersionState]:
        """Return the states of all versions, or of one.

        Args:
            name: Name of the model in the request.
            number: Number of the version; None for all versions.

        Raises:
            RequestError: There are none: status 404, with TensorFlow Serving's message.
        """
        states = self.versions.states() if name == self.name else {}
        if number is not None:
            states = {number: states[number]} if number in states else {}
        if not states:
            which = "any versions" if number is None else f"version {number}"
            raise RequestError(404, f"Could not find {which} of model {name}")
        return states
