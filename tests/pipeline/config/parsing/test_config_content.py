"""A config can be any kind of file; no kind keeps a command waiting or fills the memory."""

import os
import threading
from pathlib import Path

import pytest

from pipeline.config.parsing import config_content
from pipeline.config.parsing.config_content import read_config_content
from pipeline.config.parsing.yaml_loader import MAX_LENGTH
from trainer_module.contract.errors import InputError


def test_a_file_is_read_to_its_limit(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"#" * MAX_LENGTH)
    assert len(read_config_content(path)) == MAX_LENGTH


@pytest.mark.parametrize("size", [MAX_LENGTH + 1, 2**40])
def test_a_larger_file_is_refused_without_being_read(tmp_path, size):
    path = tmp_path / "run.yaml"
    with path.open("wb") as file:
        file.truncate(size)  # sparse: it takes no space
    with pytest.raises(InputError, match=r"run\.yaml is larger than 128 KiB\. Give a config"):
        read_config_content(path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_without_an_end_is_refused(device):
    with pytest.raises(InputError, match=f"config file {device} is larger than 128 KiB"):
        read_config_content(Path(device))


def test_a_pipe_that_nothing_writes_into_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is a pipe or a device, and nothing writes into it"):
        read_config_content(tmp_path / "pipe")


def test_a_pipe_is_read_to_its_end():
    reading, writing = os.pipe()
    parts = iter([b"data:", b" pictures\n"])

    def write() -> None:
        for part in parts:
            os.write(writing, part)
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_config_content(Path(f"/dev/fd/{reading}")) == b"data: pictures\n"
    writer.join()
    os.close(reading)


def test_a_pipe_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(config_content, "PIPE_SECONDS", 0.05)
    reading, writing = os.pipe()
    os.write(writing, b"data: pictures\n")
    with pytest.raises(InputError, match=r"is a pipe without an end after 0\.05 s"):
        read_config_content(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    os.close(writing)


def test_what_cannot_be_opened_is_an_error_of_the_system(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path, tmp_path / "loop", tmp_path / "missing", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match="Errno"):
            read_config_content(path)
