"""The REST API as a client sees it, with models that need no TensorFlow."""

import json

import pytest
from rest_client import RestClient, binary
from tiny_pictures import encode, noise, png_of, solid

from pipeline.serving.limits import request_body

RED = binary(solid("red"))


def predict(client: RestClient, *pictures: object) -> list:
    response = client.predict({"instances": list(pictures)})
    assert response.status == 200, response
    return response.body["predictions"]


def test_the_newest_version_is_called_unless_the_request_names_another(client):
    request = {"instances": [RED]}
    assert client.predict(request).body["predictions"][0]["version"] == 2
    assert client.predict(request, version=1).body["predictions"][0]["version"] == 1


def test_an_unknown_version_or_model_is_not_found(client):
    response = client.predict({"instances": [RED]}, version=3)
    assert response.status == 404
    assert response.body == {"error": "Servable not found for request: Specific(shapes, 3)"}
    other = RestClient(client.address, "other")
    assert other.predict({"instances": [RED]}).body == {
        "error": "Servable not found for request: Latest(other)"
    }
    assert other.metadata().status == 404
    assert other.status().body == {"error": "Could not find any versions of model other"}
    assert client.status(3).body == {"error": "Could not find version 3 of model shapes"}
    assert client.status(2**63).status == 400


@pytest.mark.parametrize(("label", "version"), [("stable", 1), ("canary", 2)])
def test_a_label_stands_for_a_version(client, label, version):
    response = client.predict_labelled({"instances": [RED]}, label)
    assert response.body["predictions"][0]["version"] == version
    status, body = client.get(f"/v1/models/shapes/labels/{label}")
    assert (status, json.loads(body)["model_version_status"][0]["version"]) == (200, str(version))
    status, body = client.get(f"/v1/models/shapes/labels/{label}/metadata")
    assert (status, json.loads(body)["model_spec"]["version"]) == (200, str(version))


@pytest.mark.parametrize(
    ("label", "status", "error"),
    [
        ("best", 400, "Unrecognized servable version label: best"),
        ("gone", 404, "Servable not found for request: Specific(shapes, 7)"),
    ],
)
def test_an_unknown_label_and_one_of_a_version_that_is_not_loaded_differ(
    client, label, status, error
):
    response = client.predict_labelled({"instances": [RED]}, label)
    assert (response.status, response.body) == (status, {"error": error})


def test_the_status_is_that_of_every_version_newest_first(client):
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert client.status().body == {
        "model_version_status": [{"version": "2"} | available, {"version": "1"} | available]
    }
    assert client.status(1).body == {"model_version_status": [{"version": "1"} | available]}


def test_the_metadata_name_the_version_and_its_signatures(client):
    document = client.metadata().body
    assert document["model_spec"] == {"name": "shapes", "signature_name": "", "version": "2"}
    assert client.metadata(1).body["model_spec"]["version"] == "1"
    assert "serving_default" in document["metadata"]["signature_def"]["signature_def"]


def test_after_a_rollback_the_earlier_version_is_called(running, client):
    running.directory.remove(2)
    running.versions.update()
    assert predict(client, RED)[0]["version"] == 1


def test_pictures_that_tensorflow_decodes_like_pillow_are_passed_on_and_others_become_png(client):
    jpeg, webp = (binary(solid("red", form=form)) for form in ("JPEG", "WEBP"))
    starts = [one["start_bytes"] for one in predict(client, jpeg, webp)]
    assert starts == [binary(b"\xff\xd8\xff\xe0"), binary(b"\x89PNG")]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture in a known format"),
        (b"<svg></svg>", "SVG drawing: save it as PNG"),
        (png_of(12_000, 12_000, 8, 2), "too many pixels: 12000x12000, the limit is 52,000,000"),
        (png_of(100, 2, 8, 2), "too narrow: 100x2"),
        (solid("red", form="WEBP")[:40], "damaged: "),
    ],
)
def test_the_error_names_an_unusable_picture_with_the_reason(client, picture, reason):
    response = client.predict({"instances": [RED, binary(picture)]})
    assert response.status == 400
    assert response.body["error"].startswith(f"instance 1: {reason}")


def test_the_pixels_of_a_request_are_limited_as_a_whole(client):
    large = binary(png_of(6_000, 6_000, 8, 2))
    response = client.predict({"instances": [large, large, large]})
    assert response.status == 400
    assert response.body["error"] == (
        "instance 2: too many pixels in one request, the limit is 100,000,000"
    )


def test_the_number_of_instances_and_bytes_of_a_request_is_limited(client, monkeypatch):
    response = client.predict({"instances": [RED] * 129})
    assert (response.status, response.body) == (400, {"error": "129 instances; the limit is 128"})
    monkeypatch.setattr(request_body, "MAX_BODY", 1000)
    response = client.predict(b" " * 1001)
    assert (response.status, response.body) == (
        413,
        {"error": "the request is larger than 1000 bytes"},
    )
    assert client.status().status == 200


def test_the_verbs_classify_and_regress_get_tensorflow_servings_error(client):
    for verb in ("classify", "regress"):
        response = client.predict({"examples": []}, verb=verb)
        assert response.status == 400
        assert f"tensorflow/serving/{verb}" in response.body["error"]


def test_large_pictures_within_the_limits_get_predictions(client):
    large = noise((600, 600), 80).convert("RGB")
    assert predict(client, binary(encode(large, "JPEG")))[0]["version"] == 2
