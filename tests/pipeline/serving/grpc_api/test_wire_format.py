"""The fields of a message are counted before it is parsed."""

import pytest

from pipeline.serving.grpc_api.wire_format import MAX_FIELDS, check_num_fields
from pipeline.web.request_errors import RequestError

pytestmark = pytest.mark.component


@pytest.fixture(name="kind", scope="module")
def _kind():
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    return PredictRequest


def error_of(message: bytes, kind) -> str:
    with pytest.raises(RequestError) as error:
        check_num_fields(message, kind.DESCRIPTOR)
    assert error.value.status == 400
    return error.value.message


def test_a_message_of_every_type_of_field_is_accepted(kind):
    message = kind(output_filter=["a", "b"])
    message.model_spec.version.value = 2**62
    tensor = message.inputs["image"]
    tensor.dtype = 7
    tensor.float_val.extend([1.0] * MAX_FIELDS)  # packed: they are one field
    tensor.string_val.extend([b"x"] * 100)
    check_num_fields(message.SerializeToString(), kind.DESCRIPTOR)
    check_num_fields(b"\x7d1234\x7912345678", kind.DESCRIPTOR)  # unknown numbers of fixed length


def test_nested_fields_are_counted(kind):
    message = kind()
    message.inputs["image"].string_val.extend([b""] * MAX_FIELDS)
    assert "more than 10,000 fields" in error_of(message.SerializeToString(), kind)


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a",
        b"\x0a\x05x",
        b"\x08" + b"\xff" * 20,
        b"\x0b",
        b"\x0f",
        b"\x7d123",
        b"\x0a\x02\x0a\x05",
    ],
)
def test_what_is_no_message_is_refused(kind, message):
    assert error_of(message, kind) == (
        "the request is not a serialized message of the method's type"
    )
