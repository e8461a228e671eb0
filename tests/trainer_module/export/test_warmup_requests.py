"""Warm-up requests of an export."""

import pytest
import tensorflow as tf
from damaged_files import cut_off
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tiny_exports import export_tiny

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import EXTRA, WARMUP_REQUESTS
from trainer_module.export.saved_model_classifier import SavedModelClassifier
from trainer_module.export.warmup_requests import (
    BATCH_SIZES,
    make_warmup_requests,
    read_warmup_requests,
    write_warmup_requests,
)

pytestmark = pytest.mark.component

INPUTS = {"serving_default": "image", "embed": "image", "serving_examples": "examples"}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    (tmp_path / EXTRA).mkdir()
    return tmp_path


def test_an_export_has_requests_for_the_signatures_that_clients_use_and_answers_them(tmp_path):
    folder = export_tiny(tmp_path / "model", seed=1)
    requests = read_warmup_requests(folder)
    assert {request.signature: request.input_name for request in requests} == INPUTS
    model = SavedModelClassifier(folder)
    sizes = []
    for signature, _, values in requests:
        outputs = model.call(signature, values)
        assert {len(column) for column in outputs.values()} == {len(values)}
        if signature == "serving_default":
            sizes.append(len(values))
    assert tuple(sizes) == BATCH_SIZES


def test_requests_are_read_as_they_were_written_and_are_the_same_every_time(folder):
    write_warmup_requests(folder, INPUTS)
    first = (folder / WARMUP_REQUESTS).read_bytes()
    assert read_warmup_requests(folder) == list(make_warmup_requests(INPUTS))
    write_warmup_requests(folder, INPUTS)
    assert (folder / WARMUP_REQUESTS).read_bytes() == first
    assert len(first) < 500_000


def test_pictures_are_generated_in_both_formats_that_tensorflow_decodes():
    [request] = make_warmup_requests({"embed": "image"})
    batches = list(make_warmup_requests({"serving_default": "image"}))
    assert request.values == batches[0].values
    starts = {value[:4] for value in batches[-1].values}
    assert starts == {b"\xff\xd8\xff\xe0", b"\x89PNG"}


def test_a_folder_without_the_file_has_no_requests(tmp_path):
    assert read_warmup_requests(tmp_path) == []


def test_a_damaged_file_is_named(folder):
    write_warmup_requests(folder, INPUTS)
    cut_off(folder / WARMUP_REQUESTS)
    with pytest.raises(UnavailableError, match=r"^file of warm-up requests"):
        read_warmup_requests(folder)


def test_requests_that_no_signature_of_ours_takes_are_left_out(folder):
    logs = [PredictionLog() for _ in range(4)]
    logs[0].classify_log.SetInParent()
    logs[1].predict_log.request.inputs["image"].CopyFrom(tf.make_tensor_proto([1.0]))
    for name in ("image", "other"):
        logs[2].predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto([b"picture"]))
    logs[3].predict_log.request.inputs["image"].CopyFrom(tf.make_tensor_proto([b"picture"]))
    with tf.io.TFRecordWriter(str(folder / WARMUP_REQUESTS)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
    assert read_warmup_requests(folder) == [("serving_default", "image", [b"picture"])]
