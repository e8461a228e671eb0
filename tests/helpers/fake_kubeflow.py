"""API server of Kubeflow Pipelines that runs nothing, but checks and records every request."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api
from kfp.components import load_component_from_text

PREFIX = "/apis/v2beta1"


class FakeKubeflow(ThreadingHTTPServer):
    """Server that records the created objects.

    Attributes:
        states: States of a run, one per request for it. The last one is repeated.
        created: Kind -> objects, in the order of their creation.
        uploads: Texts of the uploaded pipelines.
    """

    def __init__(self, states: tuple[str, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.states = list(states)
        self.created: dict[str, list[dict[str, Any]]] = {}
        self.uploads: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, kind: str, key: str, content: dict[str, Any]) -> dict[str, Any]:
        """Record an object with an id, and return it."""
        listed = self.created.setdefault(kind, [])
        listed.append(content | {key: f"{kind}-{len(listed) + 1}"})
        return listed[-1]


@contextlib.contextmanager
def fake_kubeflow(*states: str) -> Iterator[FakeKubeflow]:
    """Run a server on the loopback interface.

    Args:
        *states: States of a run, one per request for it.
    """
    server = FakeKubeflow(states or ("SUCCEEDED",))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check_request(content: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the body of a request, if a model of kfp's client holds all of it."""
    # Protobuf's JSON holds an int64 as text, but accepts a number as well.
    content = {key: str(one) if type(one) is int else one for key, one in content.items()}
    client = kfp_server_api.ApiClient()
    response = SimpleNamespace(data=json.dumps(content))
    kept = client.sanitize_for_serialization(client.deserialize(response, model))
    assert kept == content, f"{model} holds {kept}, received {content}"
    return content


class _Handler(BaseHTTPRequestHandler):
    server: FakeKubeflow

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = url.path.removeprefix(PREFIX)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        created = self.server.created
        if path == "/healthz":
            self._respond({"multi_user": False})
        elif path == "/experiments":
            self._respond({"experiments": filtered(created.get("experiment", []), query)})
        elif path == "/pipelines":
            self._respond({"pipelines": filtered(created.get("pipeline", []), query)})
        elif re.fullmatch(r"/pipelines/[^/]+/versions", path):
            self._respond({"pipeline_versions": filtered(created.get("version", []), query)})
        elif path.startswith("/runs/"):
            states = self.server.states
            state = states.pop(0) if len(states) > 1 else states[0]
            self._respond({"run_id": path.removeprefix("/runs/"), "state": state})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        path = url.path.removeprefix(PREFIX)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers["Content-Length"]))
        add = self.server.add
        if path == "/pipelines/upload":
            self._record_upload(body)
            pipeline = add("pipeline", "pipeline_id", {"display_name": query["name"]})
            self._add_version(pipeline["pipeline_id"], query["name"])
            self._respond(pipeline)
        elif path == "/pipelines/upload_version":
            self._record_upload(body)
            self._respond(self._add_version(query["pipelineid"], query["name"]))
        elif path == "/experiments":
            content = check_request(json.loads(body), "V2beta1Experiment")
            self._respond(add("experiment", "experiment_id", content))
        elif path == "/runs":
            self._respond(add("run", "run_id", check_request(json.loads(body), "V2beta1Run")))
        elif path == "/recurringruns":
            content = check_request(json.loads(body), "V2beta1RecurringRun")
            self._respond(add("recurring", "recurring_run_id", content))
        else:
            self.send_error(404)

    def _record_upload(self, body: bytes) -> None:
        """Read the file from a form, and load it with kfp."""
        header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        [part] = message_from_bytes(header + body).get_payload()
        text = part.get_payload(decode=True).decode()
        load_component_from_text(text)
        self.server.uploads.append(text)

    def _add_version(self, pipeline: str, name: str) -> dict[str, Any]:
        content = {"pipeline_id": pipeline, "display_name": name}
        return self.server.add("version", "pipeline_version_id", content)

    def _respond(self, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        """Log nothing."""


def filtered(objects: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the objects whose name the filter of a query selects."""
    if "filter" not in query:
        return objects
    [predicate] = json.loads(query["filter"])["predicates"]
    return [one for one in objects if one["display_name"] == predicate["stringValue"]]
