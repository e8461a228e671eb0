"""URIs and local folders of the artifacts of a component."""

from pipeline.kubeflow.programs.run_component import restore_uris, use_local_paths


def test_a_component_gets_folders_and_names_and_its_output_names_uris(monkeypatch):
    monkeypatch.delenv("ARTIFACT_LOCAL_PATH", raising=False)
    model = {"uri": "minio://bucket/model", "metadata": {"a": 1}}
    pushed = {"uri": "minio://bucket/pushed", "name": "its name"}
    message = {
        "inputs": {"artifacts": {"model": {"artifacts": [model]}}},
        "outputs": {"artifacts": {"pushed": {"artifacts": [pushed]}}},
    }
    uris = use_local_paths(message)
    assert (model["uri"], model["name"]) == ("/minio/bucket/model", "minio://bucket/model")
    assert (pushed["uri"], pushed["name"]) == ("/minio/bucket/pushed", "its name")

    output = {"artifacts": {"pushed": {"artifacts": [{"uri": "/minio/bucket/pushed"}]}}}
    restore_uris(output, uris)
    assert output["artifacts"]["pushed"]["artifacts"] == [{"uri": "minio://bucket/pushed"}]
