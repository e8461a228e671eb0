"""A client of TensorFlow Serving, written from its REST documentation and nothing else."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class JsonResponse:
    """HTTP status and JSON body of a response."""

    status: int
    body: Any


@dataclass(frozen=True)
class RestClient:
    """Client of one model at `http://host:port`."""

    address: str
    model: str

    def status(self, version: int | None = None) -> JsonResponse:
        """GET /v1/models/${MODEL_NAME}[/versions/${VERSION}]."""
        return self._call(self._path(version))

    def metadata(self, version: int | None = None) -> JsonResponse:
        """GET /v1/models/${MODEL_NAME}[/versions/${VERSION}]/metadata."""
        return self._call(f"{self._path(version)}/metadata")

    def predict(
        self,
        request: Any,
        version: int | None = None,
        verb: str = "predict",
        headers: dict[str, str] | None = None,
    ) -> JsonResponse:
        """POST /v1/models/${MODEL_NAME}[/versions/${VERSION}]:predict."""
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self._call(f"{self._path(version)}:{verb}", body, headers)

    def predict_labelled(self, request: Any, label: str) -> JsonResponse:
        """POST /v1/models/${MODEL_NAME}/labels/${LABEL}:predict."""
        return self._call(
            f"/v1/models/{self.model}/labels/{label}:predict", json.dumps(request).encode()
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """GET any other path; return status and body."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=60) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _path(self, version: int | None) -> str:
        return f"/v1/models/{self.model}" + ("" if version is None else f"/versions/{version}")

    def _call(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> JsonResponse:
        request = urllib.request.Request(self.address + path, body, headers or {})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return JsonResponse(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return JsonResponse(error.code, json.load(error))


def binary(content: bytes) -> dict[str, str]:
    """Return a binary value as TensorFlow Serving's JSON has it."""
    return {"b64": base64.b64encode(content).decode()}
