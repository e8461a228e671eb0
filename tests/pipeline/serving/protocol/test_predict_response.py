"""Predict responses, as TensorFlow Serving's documentation has them."""

import json

import numpy as np

from pipeline.serving.protocol.predict_response import encode_predict_response

CLASSIFIED = {
    "label": np.array([b"red", "h\u00e4\u00df".encode()], object),
    "confidence": np.array([0.1, 1], np.float32),
    "probabilities": np.array([[0.1, 0.9], [1, 0]], np.float32),
}


def test_a_row_is_an_object_of_all_outputs():
    assert json.loads(encode_predict_response(CLASSIFIED, row_format=True)) == {
        "predictions": [
            {"label": "red", "confidence": 0.1, "probabilities": [0.1, 0.9]},
            {"label": "h\u00e4\u00df", "confidence": 1.0, "probabilities": [1.0, 0.0]},
        ]
    }


def test_a_column_holds_one_output_of_all_instances():
    assert json.loads(encode_predict_response(CLASSIFIED, row_format=False)) == {
        "outputs": {
            "label": ["red", "h\u00e4\u00df"],
            "confidence": [0.1, 1.0],
            "probabilities": [[0.1, 0.9], [1.0, 0.0]],
        }
    }


def test_an_only_output_has_no_name():
    outputs = {"label_id": np.array([2, -1], np.int64)}
    assert json.loads(encode_predict_response(outputs, row_format=True)) == {"predictions": [2, -1]}
    assert json.loads(encode_predict_response(outputs, row_format=False)) == {"outputs": [2, -1]}


def test_strings_are_binary_if_the_name_of_the_output_ends_in_bytes():
    outputs = {"crop_bytes": np.array([[b"\xff"], [b"a"]], object)}
    expected = [[{"b64": "/w=="}], [{"b64": "YQ=="}]]
    assert json.loads(encode_predict_response(outputs, row_format=True)) == {
        "predictions": expected
    }


def test_text_that_is_not_utf_8_is_still_json():
    outputs = {"label": np.array([b"\xff"], object)}
    assert json.loads(encode_predict_response(outputs, row_format=True)) == {
        "predictions": ["\ufffd"]
    }


def test_a_slice_of_a_batch_is_written_like_a_whole_one():
    part = {"embedding": np.arange(6, dtype=np.float32).reshape(3, 2)[1:]}
    assert json.loads(encode_predict_response(part, row_format=True)) == {
        "predictions": [[2.0, 3.0], [4.0, 5.0]]
    }
