"""Random malformed messages to `PredictionService.Predict`."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from grpc_client import predict_request

SIZES = [-1, 0, 1, 2, 3, 129, 2**31, 2**62, -(2**63)]
NAMES = ["", "image", "examples", "x", "\u2603", "serving_default", "embed", "label_id", "a" * 5000]


@dataclass(frozen=True)
class GrpcFuzzer:
    """Generator of random malformed messages.

    Attributes:
        model: Name of the model.
        pictures: Encoded pictures, undamaged.
        rng: Random generator.
    """

    model: str
    pictures: list[bytes]
    rng: random.Random

    def messages(self, count: int) -> Iterator[bytes]:
        """Yield random bytes, mutated requests, wrong types, shapes, sizes and names, in turn."""
        kinds: list[Callable[[], bytes]] = [
            self._bytes,
            self._mutated,
            self._cut,
            self._type,
            self._shape,
            self._names,
            self._pictures,
            self._fields,
        ]
        for number in range(count):
            yield kinds[number % len(kinds)]()

    def _bytes(self) -> bytes:
        return self.rng.randbytes(self.rng.randrange(2_000))

    def _mutated(self) -> bytes:
        content = bytearray(self._valid().SerializeToString())
        end = self.rng.choice([60, len(content)])  # the first bytes are not of a picture
        for _ in range(self.rng.randrange(1, 10)):
            content[self.rng.randrange(min(end, len(content)))] = self.rng.randrange(256)
        return bytes(content)

    def _cut(self) -> bytes:
        whole = self._valid().SerializeToString()
        start, end = sorted(self.rng.randrange(len(whole)) for _ in range(2))
        return self.rng.choice([whole[:end], whole[start:], whole[:start] + whole[end:]])

    def _type(self) -> bytes:
        request = self._valid()
        if self.rng.random() < 0.5:
            request.inputs["image"].dtype = self.rng.randrange(200)
            return bytes(request.SerializeToString())
        dtype = self.rng.choice([np.float32, np.uint8, np.int64, np.bool_, np.complex64, np.half])
        values = np.zeros([self.rng.randrange(4) for _ in range(self.rng.randrange(5))], dtype)
        request.inputs["image"].CopyFrom(tf.make_tensor_proto(values))
        return bytes(request.SerializeToString())

    def _shape(self) -> bytes:
        request = self._valid()
        shape = request.inputs["image"].tensor_shape
        shape.unknown_rank = self.rng.random() < 0.2
        del shape.dim[:]
        for _ in range(self.rng.choice([0, 1, 1, 2, 300])):
            shape.dim.add(size=self.rng.choice(SIZES), name=self.rng.choice(NAMES))
        return bytes(request.SerializeToString())

    def _names(self) -> bytes:
        request = self._valid()
        request.model_spec.name = self.rng.choice([self.model, *NAMES])
        request.model_spec.signature_name = self.rng.choice(NAMES)
        request.output_filter.extend(self.rng.choices(NAMES, k=self.rng.randrange(3)))
        if self.rng.random() < 0.5:
            request.model_spec.version.value = self.rng.choice(SIZES)
        if self.rng.random() < 0.2:
            request.model_spec.version_label = self.rng.choice(NAMES)
        for name in self.rng.choices(NAMES, k=self.rng.randrange(3)):
            request.inputs[name].CopyFrom(request.inputs["image"])
        return bytes(request.SerializeToString())

    def _pictures(self) -> bytes:
        damaged = bytearray(self._picture())
        for _ in range(self.rng.randrange(1, 20)):
            damaged[self.rng.randrange(len(damaged))] = self.rng.randrange(256)
        values = [self._picture(), bytes(damaged), self.rng.randbytes(50), b""]
        chosen = self.rng.choices(values, k=self.rng.randrange(1, 4))
        signature = self.rng.choice(["", "serving_examples", "embed", "label_id"])
        name = "image" if signature in ("", "embed") else "examples"
        request = predict_request(self.model, chosen, signature=signature, input_name=name)
        return bytes(request.SerializeToString())

    def _fields(self) -> bytes:
        whole = self._valid().SerializeToString()
        field = self.rng.choice(
            [b"\x0a\x00", b"\x12\x00", b"\x1a\x00", b"\x20\x01", b"\x7b", b"\x7c"]
        )
        return bytes(whole + field * self.rng.randrange(1, 12_000))

    def _valid(self) -> Any:
        return predict_request(
            self.model, [self._picture() for _ in range(self.rng.randrange(1, 4))]
        )

    def _picture(self) -> bytes:
        return self.rng.choice(self.pictures)
