"""The paths of the page, as a client gets them."""

import http.client
import json
import subprocess
from pathlib import Path

import pytest
from app_in_thread import AppInThread, run_app
from overview_site import RUN_2, make_site

from trainer_module.contract.child_process import isolated_python


def request(app: AppInThread, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    """Status, body and headers (in lower case) of a response; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return response.status, response.read().decode(), headers


def files_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of all files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def test_the_overview_is_json_and_reading_it_changes_nothing(tmp_path):
    make_site(tmp_path)
    before = files_in(tmp_path)
    with run_app(workspace=tmp_path) as app:
        app.versions.update()
        status, body, headers = request(app, "/overview")
        assert (status, headers["cache-control"]) == (200, "no-store")
        assert json.loads(body)["version"]["number"] == 2
        assert request(app, f"/reports/{RUN_2}")[0] == 200
    assert files_in(tmp_path) == before


def test_a_report_has_a_policy_that_keeps_it_from_the_server(tmp_path):
    make_site(tmp_path)
    with run_app(workspace=tmp_path) as app:
        status, body, headers = request(app, f"/reports/{RUN_2}")
    assert (status, body) == (200, f"<p>{RUN_2}")
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"].split("; ")
    assert policy[:2] == ["sandbox allow-scripts", "default-src 'none'"]
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path",
    [
        "/reports/",
        "/reports/20250101-000000",
        f"/reports/..%2fruns%2f{RUN_2}",
        f"/reports/{RUN_2}/summary.json",
        f"/reports/{RUN_2}%00",
        f"/runs/{RUN_2}/report.html",
        f"/reports/../runs/{RUN_2}/summary.json",
    ],
)
def test_nothing_else_of_the_workspace_is_served(tmp_path, path):
    make_site(tmp_path)
    with run_app(workspace=tmp_path) as app:
        status, body, _ = request(app, path)
    assert status == 404
    assert "error" in json.loads(body)


@pytest.mark.parametrize("path", ["/", "/overview", "/traffic", f"/reports/{RUN_2}"])
def test_the_paths_can_only_be_read(tmp_path, path):
    make_site(tmp_path)
    with run_app(workspace=tmp_path) as app:
        for method in ("POST", "PUT", "DELETE"):
            assert request(app, path, method)[0] == 405


def test_a_server_that_others_reach_shows_the_page_and_nothing_of_the_workspace(tmp_path):
    make_site(tmp_path)
    with run_app(workspace=tmp_path, is_shown=False) as app:
        assert request(app, "/")[0] == 200
        for path in ("/overview", "/traffic", f"/reports/{RUN_2}"):
            status, body, _ = request(app, path)
            assert status == 403
            assert "--show-workspace" in json.loads(body)["error"]


def test_a_workspace_that_is_gone_is_no_error(tmp_path):
    with run_app(workspace=tmp_path / "gone") as app:
        status, body, _ = request(app, "/overview")
    assert status == 200
    assert json.loads(body)["has_workspace"] is False


def test_the_server_imports_what_reads_the_workspace_when_somebody_looks():
    late = ("pipeline.overview.workspace_overview", "pipeline.overview.traffic_history", "tfx")
    code = f"""
import pipeline.overview.overview_routes
assert not [name for name in {late} if name in sys.modules], sys.modules.keys()
"""
    command = isolated_python("exec(sys.argv[1])")
    subprocess.run([*command, code], check=True, timeout=60)
