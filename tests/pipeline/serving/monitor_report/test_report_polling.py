"""Reading the report of `carryover monitor` while the server runs."""

import asyncio
import os
from pathlib import Path

import pytest

from pipeline.serving.monitor_report import report_polling
from pipeline.serving.monitor_report.report_gauges import ReportGauges
from pipeline.serving.monitor_report.report_polling import ReportPolling


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "shapes.json"


@pytest.fixture(name="polling")
def _polling(path: Path) -> ReportPolling:
    return ReportPolling(path, ReportGauges())


def read(polling: ReportPolling) -> object:
    polling.read()
    return polling._gauges.report


def test_a_report_is_read_when_it_comes_and_when_it_is_replaced(path, polling):
    assert read(polling) is None
    path.write_text('{"version": 1}')
    assert read(polling) == {"version": 1}
    draft = path.with_suffix(".part")
    draft.write_text('{"version": 2}')
    draft.replace(path)
    assert read(polling) == {"version": 2}
    path.unlink()
    assert read(polling) is None


def test_a_file_that_is_as_before_is_not_read_again(path, polling, monkeypatch):
    path.write_text("{}")
    first = read(polling)
    monkeypatch.setattr(report_polling.json, "loads", pytest.fail)
    assert read(polling) is first


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"version": 1', "Expecting"),
        (b"", "Expecting value"),
        (b"[]", "it holds no JSON object"),
        (b"\xff", "can't decode"),
        (b"[" * 100_000, "recursion"),
        (b" " * 200, "it is larger than 100 bytes"),
    ],
)
def test_a_damaged_report_is_none_and_the_log_says_so_once(
    path, polling, monkeypatch, caplog, content, problem
):
    monkeypatch.setattr(report_polling, "MAX_BYTES", 100 if b" " in content else 10**6)
    path.write_text("{}")
    read(polling)
    path.write_bytes(content)
    assert read(polling) is None
    assert read(polling) is None
    [record] = caplog.records
    assert f"{path} cannot be read: " in record.message
    assert polling.reading.report is None
    assert f"{polling.reading.problem}. It is not in /metrics" == record.message
    assert problem in record.message


def test_a_pipe_is_none(path, polling, caplog):
    os.mkfifo(path)
    assert read(polling) is None
    assert "not a regular file" in caplog.text


def test_the_service_reads_until_it_is_stopped(path, polling, monkeypatch):
    monkeypatch.setattr(report_polling, "LOOK_SECONDS", 0.01)

    async def serve() -> None:
        await polling.start()
        path.write_text('{"version": 1}')
        while polling._gauges.report is None:
            await asyncio.sleep(0.01)
        await polling.stop(0)

    asyncio.run(asyncio.wait_for(serve(), 30))
    assert polling._gauges.report == {"version": 1}
