"""The gRPC API, as clients with the official stubs see it."""

import asyncio
import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_client import GrpcClient, predict_request
from grpc_in_thread import GrpcInThread, run_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tiny_pictures import png_of, solid

from pipeline.serving.grpc_api.grpc_api import GrpcApi
from pipeline.serving.grpc_api.grpc_server import GrpcServer
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.limits.request_body import MAX_BODY
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

RED = solid("red")


@pytest.fixture(name="running", scope="module")
def _running():
    with run_grpc() as running:
        yield running


@pytest.fixture(name="client")
def _client(running: GrpcInThread) -> GrpcClient:
    return running.client


def refused(call, *arguments, **fields) -> tuple[str, str]:
    """Return code and details of a call that fails."""
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, **fields)
    return error.value.code().name, error.value.details()


def send(client: GrpcClient, change) -> tuple[str, str]:
    """Change a valid request, and return code and details of the response."""
    request = predict_request("shapes", [RED])
    change(request)
    return refused(client.prediction.Predict, request, timeout=60)


def test_the_newest_version_is_called_unless_the_request_names_another(client):
    response = client.predict([RED, solid("blue", form="JPEG")])
    assert response.model_spec.name == "shapes"
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "serving_default"
    assert response.outputs["start_bytes"].string_val == [b"\x89PNG", b"\xff\xd8\xff\xe0"]
    assert tf.make_ndarray(response.outputs["version"]).tolist() == [2, 2]
    assert client.predict([RED], version=1).outputs["version"].int64_val == [1]


@pytest.mark.parametrize(("label", "version"), [("stable", 1), ("canary", 2)])
def test_a_label_stands_for_a_version(client, label, version):
    request = predict_request("shapes", [RED])
    request.model_spec.version_label = label
    response = client.prediction.Predict(request, timeout=60)
    assert response.model_spec.version.value == version


def test_the_output_filter_chooses_outputs(client):
    assert list(client.predict([RED], output_filter=["version"]).outputs) == ["version"]
    code, details = refused(client.predict, [RED], output_filter=["x"])
    assert code == "INVALID_ARGUMENT"
    assert details == (
        "output tensor alias not found in signature: x Outputs expected to be in the set "
        "{start_bytes,version}."
    )
    assert refused(client.predict, [RED], output_filter=["version", "version"]) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: version",
    )


@pytest.mark.parametrize(
    ("change", "code", "details"),
    [
        (
            lambda request: setattr(request.model_spec, "name", "other"),
            "NOT_FOUND",
            "Servable not found for request: Latest(other)",
        ),
        (
            lambda request: setattr(request.model_spec.version, "value", 3),
            "NOT_FOUND",
            "Servable not found for request: Specific(shapes, 3)",
        ),
        (
            lambda request: setattr(request.model_spec, "version_label", "best"),
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: best",
        ),
        (
            lambda request: setattr(request.model_spec, "version_label", "gone"),
            "NOT_FOUND",
            "Servable not found for request: Specific(shapes, 7)",
        ),
        (
            lambda request: request.ClearField("model_spec"),
            "INVALID_ARGUMENT",
            "Missing ModelSpec",
        ),
        (
            lambda request: setattr(request.model_spec, "name", ""),
            "INVALID_ARGUMENT",
            "ModelSpec has no name specified.",
        ),
        (
            lambda request: setattr(request.model_spec, "signature_name", "x"),
            "FAILED_PRECONDITION",
            'Serving signature key "x" not found.',
        ),
        (
            lambda request: request.ClearField("inputs"),
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({image}). Sent extra: {}. "
            "Missing but required: {image}.",
        ),
        (
            lambda request: request.inputs["other"].CopyFrom(tf.make_tensor_proto([b"x"])),
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=1 len({image,other}) != len({image}). Sent "
            "extra: {other}. Missing but required: {}.",
        ),
    ],
)
def test_what_a_request_lacks_gets_the_error_of_tensorflow_serving(client, change, code, details):
    assert send(client, change) == (code, details)


@pytest.mark.parametrize(
    ("tensor", "details"),
    [
        (tf.make_tensor_proto([1.5]), "Expects arg[0] to be string but float is provided"),
        (tf.make_tensor_proto(np.zeros((2, 8, 8, 3), np.uint8)), "string but uint8 is provided"),
        (tf.make_tensor_proto(RED), "the input 'image' has 0 dimensions"),
        (tf.make_tensor_proto([[RED]]), "the input 'image' has 2 dimensions"),
        (tf.make_tensor_proto([], tf.string, [0]), "the input 'image' has no values"),
        (tf.make_tensor_proto([RED] * 129), "129 instances; the limit is 128"),
        (tf.make_tensor_proto([RED, b"hello"]), "instance 1: not a picture in a known format"),
        (
            tf.make_tensor_proto([png_of(12_000, 12_000, 8, 2)]),
            "instance 0: too many pixels: 12000x12000, the limit is 52,000,000",
        ),
    ],
)
def test_an_unusable_tensor_is_refused_with_the_reason(client, tensor, details):
    code, said = send(client, lambda request: request.inputs["image"].CopyFrom(tensor))
    assert code == "INVALID_ARGUMENT"
    assert details in said


def test_an_input_of_another_name_is_named(client):
    assert refused(client.predict, [RED], input_name="picture") == (
        "INVALID_ARGUMENT",
        "input tensor alias not found in signature: picture. Inputs expected to be in the set "
        "{image}.",
    )


@pytest.mark.parametrize(("size", "num_predictions"), [(1, 1), (4, 4)])
def test_the_last_value_stands_for_missing_ones_as_in_tensorflow(client, size, num_predictions):
    request = predict_request("shapes", [RED, RED])
    request.inputs["image"].tensor_shape.dim[0].size = size
    response = client.prediction.Predict(request, timeout=60)
    assert len(response.outputs["version"].int64_val) == num_predictions


def test_a_shape_that_promises_a_billion_values_takes_no_memory(client):
    def change(request):
        request.inputs["image"].tensor_shape.dim[0].size = 10**12

    assert send(client, change) == (
        "INVALID_ARGUMENT",
        "1000000000000 instances; the limit is 128",
    )


def test_a_message_of_more_than_the_limit_or_of_many_fields_is_refused(client):
    code, details = refused(client.predict, [b"x" * MAX_BODY])
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max" in details
    code, details = refused(client.predict, [b""] * 20_000)
    assert code == "INVALID_ARGUMENT"
    assert details.startswith("the request has more than 10,000 fields")


def test_an_unexpected_error_gets_a_response_without_details(client):
    assert refused(client.predict, [RED], signature="broken") == (
        "INTERNAL",
        "internal error, see the server's log",
    )


def test_the_metadata_are_the_signatures_of_the_version(client):
    response = client.metadata("signature_def")
    assert (response.model_spec.name, response.model_spec.version.value) == ("shapes", 2)
    signatures = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    signature = signatures.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.inputs["image"].dtype == tf.string.as_datatype_enum
    assert refused(client.metadata) == (
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    assert refused(client.metadata, "x") == (
        "INVALID_ARGUMENT",
        "Metadata field x is not supported",
    )
    assert refused(client.metadata, "signature_def", model="other")[0] == "NOT_FOUND"
    request = GetModelMetadataRequest(metadata_field=["signature_def"])
    assert refused(client.prediction.GetModelMetadata, request, timeout=60) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )


def test_the_status_is_that_of_every_version_newest_first(client):
    states = client.status().model_version_status
    assert [(one.version, one.state) for one in states] == [
        (2, ModelVersionStatus.AVAILABLE),
        (1, ModelVersionStatus.AVAILABLE),
    ]
    assert states[0].status.error_code == 0
    assert [one.version for one in client.status(1).model_version_status] == [1]
    assert refused(client.status, 3) == ("NOT_FOUND", "Could not find version 3 of model shapes")
    assert refused(client.status, model="other") == (
        "NOT_FOUND",
        "Could not find any versions of model other",
    )


@contextlib.contextmanager
def slow_request(running: GrpcInThread):
    """Have the serving version busy with a request in the block."""
    model = running.versions.get()
    model.calls.clear()
    model.finish.clear()
    with ThreadPoolExecutor(1) as threads:
        request = threads.submit(running.client.predict, [RED], signature="slow")
        while not model.calls:
            time.sleep(0.01)
        try:
            yield
        finally:
            model.finish.set()
        request.result()


def number_given_up(running: GrpcInThread) -> int:
    """Return how many predict requests the server has seen to be given up by their clients."""
    pattern = r'code="(?:DEADLINE_EXCEEDED|CANCELLED)",method="Predict"} ([\d.]+)'
    return sum(map(float, re.findall(pattern, running.metrics.text().decode())))


def test_a_request_whose_deadline_is_over_is_taken_off_the_queue(running, client):
    before = number_given_up(running)  # the server is that of all tests here
    with slow_request(running):
        code, _ = refused(client.predict, [RED] * 5, signature="slow", timeout=0.1)
        assert code == "DEADLINE_EXCEEDED"
        # The client's own clock ends the call, and the server hears of it later.
        end = time.monotonic() + 30
        while number_given_up(running) == before:
            assert time.monotonic() < end, running.metrics.text().decode()
            time.sleep(0.01)
    client.predict([RED])
    assert running.versions.get().calls == [1, 1]


def test_requests_beyond_the_limit_are_refused_and_counted():
    with run_grpc(open_requests=OpenRequests(limit=1)) as running:
        with slow_request(running):
            refusal = refused(running.client.predict, [RED])
            # However busy the server is:
            assert running.client.status().model_version_status
        text = running.metrics.text().decode()
    assert refusal == ("UNAVAILABLE", "too many open requests, try again")
    assert 'carryover_grpc_requests_total{code="UNAVAILABLE",method="Predict"} 1.0' in text
    assert 'carryover_grpc_requests_total{code="OK",method="Predict"} 1.0' in text
    assert 'carryover_grpc_requests_total{code="OK",method="GetModelStatus"} 1.0' in text
    assert "carryover_predict_seconds_count 2.0" in text
    assert "carryover_batch_instances_count 1.0" in text


def test_an_address_in_use_is_named(running):
    api = GrpcApi(None, None, None)
    server = GrpcServer(api, running.address, MemoryBudget(2**30), running.metrics)
    with pytest.raises(InputError, match=f"cannot listen on {running.address}: .* --grpc-port"):
        asyncio.run(server.start())


def test_messages_are_parsed_as_they_are_written(client):
    request = PredictRequest()
    request.model_spec.name = "shapes"
    tensor = request.inputs["image"]
    tensor.dtype = tf.string.as_datatype_enum
    tensor.tensor_shape.dim.add(size=1)
    tensor.string_val.append(RED)
    assert client.send(request.SerializeToString()) == ("OK", "")
    assert client.send(request.SerializeToString()[:-1])[0] == "INVALID_ARGUMENT"
    assert client.send(b"") == ("INVALID_ARGUMENT", "Missing ModelSpec")
