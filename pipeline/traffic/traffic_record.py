"""One picture that a client sent, with its prediction, and its form in a file: a tf.Example."""

from dataclasses import dataclass
from typing import Any

from trainer_module.contract import example_features

#: Features that only traffic has. The prediction is not named `label`, which is the true class in
#: every other tf.Example.
TIME, MODEL, VERSION, PREDICTED_LABEL = "time_us", "model", "version", "predicted_label"


@dataclass(frozen=True)
class TrafficRecord:
    """A picture, and what a version predicted for it.

    Attributes:
        time: Time of the prediction, in seconds since 1970 (UNIX time); kept to a microsecond.
        domain: Domain that the client named; "" if it named none.
        version: Number of the version.
        image: Bytes of the picture as the client sent them.
        label: Predicted class.
        confidence: Probability of that class, kept in single precision.
        novelty: Novelty of the picture, 0 to 1, likewise; None if the version does not know it.
        accepted: Whether the prediction is accepted; None if the version does not know it.
        model: Name of the model; None in a file from before it was kept.
    """

    time: float
    domain: str
    version: int
    image: bytes
    label: str
    confidence: float
    novelty: float | None
    accepted: bool | None
    model: str | None = None

    def is_of(self, model: str, is_only_model: bool) -> bool:
        """Return whether a model has predicted it.

        Args:
            model: Name of the model.
            is_only_model: Whether the workspace has no other one. Then records without the name of
                their model are of this one, and otherwise of none.
        """
        return self.model == model or (self.model is None and is_only_model)


def serialize_record(record: TrafficRecord) -> bytes:
    """Return a record as a serialized tf.Example, which tf.data, Beam and TFDV read.

    Args:
        record: Record to serialize.
    """
    from tensorflow.core.example.example_pb2 import Example

    example = Example()
    feature = example.features.feature
    feature[TIME].int64_list.value.append(microseconds(record.time))
    if record.model is not None:
        feature[MODEL].bytes_list.value.append(_encode(record.model))
    feature[VERSION].int64_list.value.append(record.version)
    feature[example_features.DOMAIN].bytes_list.value.append(_encode(record.domain))
    feature[example_features.IMAGE].bytes_list.value.append(record.image)
    feature[PREDICTED_LABEL].bytes_list.value.append(_encode(record.label))
    feature[example_features.CONFIDENCE].float_list.value.append(record.confidence)
    if record.novelty is not None:
        feature[example_features.NOVELTY].float_list.value.append(record.novelty)
    if record.accepted is not None:
        feature[example_features.ACCEPTED].int64_list.value.append(record.accepted)
    serialized: bytes = example.SerializeToString()
    return serialized


def parse_record(serialized: bytes) -> TrafficRecord:
    """Return the record of a serialized tf.Example.

    Args:
        serialized: Result of `serialize_record`.

    Raises:
        ValueError: It is no tf.Example, or lacks a feature.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.example_pb2 import Example

    try:
        features = Example.FromString(serialized).features.feature
    except DecodeError:
        raise ValueError("it is not a serialized tf.Example") from None

    def value(name: str, kind: str) -> Any:
        values = getattr(features[name], kind).value if name in features else ()
        return values[0] if values else None

    def required(name: str, kind: str) -> Any:
        found = value(name, kind)
        if found is None:
            raise ValueError(f"it has no feature {name}")
        return found

    accepted = value(example_features.ACCEPTED, "int64_list")
    model = value(MODEL, "bytes_list")
    return TrafficRecord(
        time=required(TIME, "int64_list") / 1e6,
        domain=_decode(required(example_features.DOMAIN, "bytes_list")),
        version=required(VERSION, "int64_list"),
        image=required(example_features.IMAGE, "bytes_list"),
        label=_decode(required(PREDICTED_LABEL, "bytes_list")),
        confidence=required(example_features.CONFIDENCE, "float_list"),
        novelty=value(example_features.NOVELTY, "float_list"),
        accepted=None if accepted is None else bool(accepted),
        model=None if model is None else _decode(model),
    )


def microseconds(seconds: float) -> int:
    """Return a time in whole microseconds.

    Args:
        seconds: Time in seconds.
    """
    return round(seconds * 1e6)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # as `decode_text` reads labels of a model


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
