"""Random malformed requests."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Method, path below the model's, body.
Request = tuple[str, str, bytes]

VALUES = [None, True, 0, -1.5, 1e308, "", "\u0000", "\ud7ff\U0001f4a5", [], {}, [[]], {"b64": 1}]
PATHS = ["", ":predict", "/versions/1:predict", "/versions/x", "/versions/" + "9" * 30, "/metadata"]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]


@dataclass(frozen=True)
class Fuzzer:
    """Generator of random malformed requests.

    Attributes:
        pictures: Encoded pictures, undamaged.
        rng: Random generator.
    """

    pictures: list[bytes]
    rng: random.Random

    def requests(self, count: int) -> Iterator[Request]:
        """Yield wrong paths, JSON, types, base64 and signatures, and damaged pictures, in turn."""
        kinds: list[Callable[[], Request]] = [
            self._path,
            self._bytes,
            self._cut,
            self._nested,
            self._types,
            self._base64,
            self._damaged,
            self._signature,
        ]
        for number in range(count):
            yield kinds[number % len(kinds)]()

    def _path(self) -> Request:
        path = self.rng.choice(PATHS) + self.rng.choice(["", "/", "%00", "%ff", ":", "?a=b", "/.."])
        return self.rng.choice(METHODS), path, b"{}"

    def _bytes(self) -> Request:
        return "POST", ":predict", self.rng.randbytes(self.rng.randrange(2_000))

    def _cut(self) -> Request:
        whole = _predict_body([{"b64": base64.b64encode(self._picture()).decode()}])
        length = self.rng.randrange(len(whole))
        return "POST", ":predict", whole[:length] + self.rng.choice([b"", b"\x00", b"}", b"\xff"])

    def _nested(self) -> Request:
        depth = self.rng.randrange(1, 50_000)
        opening, closing = self.rng.choice([(b"[", b"]"), (b'{"instances":', b"}")])
        return "POST", ":predict", opening * depth + b"1" + closing * depth

    def _types(self) -> Request:
        keys = ["instances", "inputs", "signature_name", "image", "b64"]
        chosen = self.rng.sample(keys, self.rng.randrange(1, 4))
        return "POST", ":predict", json.dumps({key: self._value() for key in chosen}).encode()

    def _base64(self) -> Request:
        text = list(base64.b64encode(self._picture()).decode())
        text[self.rng.randrange(len(text))] = self.rng.choice("!=\u00e9 \n\\")
        return "POST", ":predict", _predict_body([{"image": {"b64": "".join(text)}}])

    def _damaged(self) -> Request:
        content = bytearray(self._picture())
        for _ in range(self.rng.randrange(1, 20)):
            content[self.rng.randrange(len(content))] = self.rng.randrange(256)
        end = self.rng.choice([len(content), self.rng.randrange(len(content))])
        damaged = base64.b64encode(content[:end]).decode()
        whole = base64.b64encode(self._picture()).decode()
        return "POST", ":predict", _predict_body([{"b64": whole}, {"b64": damaged}])

    def _signature(self) -> Request:
        name = self.rng.choice(
            ["serving_examples", "embed", "label_id", "x", "__saved_model_init_op"]
        )
        content = self.rng.choice([self._picture(), self.rng.randbytes(50), b""])
        value = {"b64": base64.b64encode(content).decode()}
        return "POST", ":predict", json.dumps({"signature_name": name, "inputs": [value]}).encode()

    def _value(self) -> object:
        value = self.rng.choice(VALUES)
        return [value] * self.rng.randrange(200) if self.rng.random() < 0.5 else value

    def _picture(self) -> bytes:
        return self.rng.choice(self.pictures)


def _predict_body(instances: list[object]) -> bytes:
    return json.dumps({"instances": instances}).encode()
