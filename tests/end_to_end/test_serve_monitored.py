"""`carryover serve` tells Prometheus what `carryover monitor` found."""

import time
from pathlib import Path

import pytest
from command import carryover
from monitored_site import MonitoredSite, known, unusual
from server_process import ServerProcess, start_server
from tiny_workspace import serve_colours

from pipeline.traffic.monitor_files import report_file

pytestmark = pytest.mark.slow

#: Seconds within which a server should have seen a new report, on a busy machine.
SEEN_WITHIN = 60


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> MonitoredSite:
    serve_colours(tmp_path / "workspace")
    site = MonitoredSite(tmp_path)
    site.write_config()
    return site


def wait_for(server: ServerProcess, line: str, is_there: bool = True) -> str:
    """Wait until the metrics have a line, or have it no more; return all of them."""
    end = time.monotonic() + SEEN_WITHIN
    while (line in (text := metrics(server)).splitlines()) != is_there:
        assert time.monotonic() < end, text
        time.sleep(0.2)
    return text


def metrics(server: ServerProcess) -> str:
    return server.client.get("/metrics")[1].decode()


def test_the_metrics_have_what_the_monitor_found_and_follow_it(site):
    with start_server(site.workspace) as server:
        assert "carryover_monitor" not in metrics(server)
        site.send(known(100), "gate", age=900)
        site.send(unusual(150), "yard", age=900)
        start = time.time()
        assert carryover("monitor", "-w", str(site.workspace)).returncode == 3
        text = wait_for(server, 'carryover_monitor_alarm{domain="yard"} 1.0')
        assert 'carryover_monitor_alarm{domain="gate"} 0.0' in text
        assert 'carryover_monitor_pictures{domain="gate"} 100.0' in text
        looked = server.metric("carryover_monitor_last_look_timestamp_seconds")
        assert int(start) <= looked <= time.time()
        report = report_file(site.workspace, "colours")
        report.write_bytes(report.read_bytes()[:100])
        text = wait_for(server, "carryover_monitor_version 1.0", is_there=False)
        assert "carryover_monitor" not in text
        assert "carryover_serving_version 1.0" in text


def test_a_server_that_others_reach_tells_it_only_with_show_workspace(site):
    site.send(known(100))
    assert carryover("monitor", "-w", str(site.workspace)).returncode == 0
    with start_server(site.workspace, "--host", "0.0.0.0", "--show-workspace") as server:  # noqa: S104
        wait_for(server, "carryover_monitor_version 1.0")
    with start_server(site.workspace, "--host", "0.0.0.0") as server:  # noqa: S104
        time.sleep(2)
        assert "carryover_monitor" not in metrics(server)
