"""The folder of traffic: a ring of files of many writers, read in the order of time."""

import contextlib
import errno
import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from repository import ROOT
from tiny_traffic import record, write_times

from pipeline.traffic.traffic_store import TrafficWriter, read_traffic, traffic_folder

pytestmark = pytest.mark.component

LIMIT = 100_000

#: Writes records of 1,000 bytes to a folder, and says so after each.
WRITE = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT / "tests" / "helpers")!r})
from tiny_traffic import record
from pipeline.traffic.traffic_store import TrafficWriter

with TrafficWriter(Path(sys.argv[1]), {LIMIT}) as writer:
    for number in range(int(sys.argv[2])):
        writer.write([record(time.time(), bytes(1000))])
        print(number, flush=True)
"""


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("traffic-*.tfrecord"))


def size(folder: Path) -> int:
    """Bytes of all files, also while others remove some."""
    total = 0
    for file in files(folder):
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def times(folder: Path, since: float | None = None) -> list[float]:
    return [one.time for one in read_traffic(folder, since)]


def start_writer(folder: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(folder), str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_workspace_has_one_folder_and_one_that_does_not_exist_is_empty(tmp_path):
    assert list(read_traffic(traffic_folder(tmp_path))) == []


def test_records_are_read_as_they_were_written(tmp_path):
    records = [record(1.5), record(2.25, b"other", "night")]
    with TrafficWriter(tmp_path / "traffic", LIMIT) as writer:
        assert writer.write(records) == 2
        assert list(read_traffic(tmp_path / "traffic")) == records


def test_only_the_owner_can_read_what_is_kept(tmp_path):
    write_times(tmp_path / "traffic", [1.0])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "traffic").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "traffic").stat().st_mode) == 0o700


def test_the_oldest_records_make_room_for_new_ones(tmp_path):
    writer = TrafficWriter(tmp_path, LIMIT)
    for number in range(300):
        writer.write([record(number, bytes(1000))])
        assert size(tmp_path) <= LIMIT
    kept = times(tmp_path)
    assert kept == list(range(int(kept[0]), 300))
    assert size(tmp_path) > 0.9 * LIMIT


def test_the_limit_holds_over_all_writers_and_after_a_restart(tmp_path):
    write_times(tmp_path, [1.0, 2.0], bytes(LIMIT // 3))
    with TrafficWriter(tmp_path, LIMIT) as first, TrafficWriter(tmp_path, LIMIT) as second:
        for number in range(10, 200, 2):
            first.write([record(number, bytes(1000))])
            second.write([record(number + 1, bytes(1000))])
            assert size(tmp_path) <= LIMIT
    kept = times(tmp_path)
    assert kept == sorted(kept)
    assert 1.0 not in kept
    assert {198.0, 199.0} <= set(kept)


@pytest.mark.slow
def test_processes_share_the_limit_and_lose_nothing_within_it(tmp_path):
    writers = [start_writer(tmp_path, 40) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert size(tmp_path) <= LIMIT
        time.sleep(0.01)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(times(tmp_path)) == 80


@pytest.mark.slow
def test_a_killed_process_loses_no_record_that_it_has_written(tmp_path):
    writer = start_writer(tmp_path, 10**6)
    for expected in range(5):
        assert int(writer.stdout.readline()) == expected
    writer.send_signal(signal.SIGKILL)
    said = 5 + len(writer.stdout.readlines())
    writer.wait()
    assert said <= len(times(tmp_path)) <= said + 1


def test_a_writer_goes_on_where_its_file_or_its_folder_was_removed(tmp_path):
    folder = tmp_path / "traffic"
    with TrafficWriter(folder, LIMIT) as writer:
        writer.write([record(1.0)])
        for path in folder.iterdir():
            path.unlink()
        writer.write([record(2.0)])
        assert times(folder) == [2.0]
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        writer.write([record(3.0)])
    assert times(folder) == [3.0]


def test_files_that_no_writer_has_written_are_left_alone(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(bytes(LIMIT))
    folder = tmp_path / "traffic"
    write_times(folder, [0.0])
    [written] = files(folder)
    others = [folder / "notes.txt", folder / "copy.tfrecord", folder / f"{written.name}.bak"]
    for path in others:
        path.write_bytes(bytes(LIMIT))
    link = folder / written.name.replace("traffic-0", "traffic-1")
    link.symlink_to(outside)
    with TrafficWriter(folder, LIMIT) as writer:
        for number in range(200):
            writer.write([record(number, bytes(1000))])
    assert all(path.stat().st_size == LIMIT for path in (*others, outside))
    assert link.is_symlink()
    assert not written.exists()


def test_records_larger_than_the_limit_are_not_written_and_others_are(tmp_path):
    with TrafficWriter(tmp_path, LIMIT) as writer:
        assert writer.write([record(1.0, bytes(LIMIT)), record(2.0)]) == 1
    assert times(tmp_path) == [2.0]


def test_a_clock_that_is_set_back_does_not_mix_up_the_order(tmp_path):
    write_times(tmp_path, [10.0, 12.0, 4.0, 11.0])
    assert times(tmp_path) == [4.0, 10.0, 11.0, 12.0]


def test_only_records_from_a_time_on_are_read(tmp_path):
    write_times(tmp_path, [10.0, 20.0, 30.0])
    write_times(tmp_path, [15.0, 25.0])
    assert times(tmp_path, since=20.0) == [20.0, 25.0, 30.0]
    assert times(tmp_path, since=31.0) == []


def test_files_that_end_before_are_not_opened(tmp_path):
    write_times(tmp_path, [10.0, 20.0])
    [old] = files(tmp_path)
    write_times(tmp_path, [1000.0])
    end = old.stat().st_mtime
    old.write_bytes(b"damaged")
    os.utime(old, (end, end))
    assert times(tmp_path, since=900.0) == [1000.0]


def test_damage_costs_the_damaged_records_and_is_told_once_per_file(tmp_path, caplog):
    write_times(tmp_path, [1.0, 2.0, 3.0], b"picture")
    [file] = files(tmp_path)
    content = file.read_bytes()
    middle = content.index(b"picture", len(content) // 3)
    file.write_bytes(content[:middle] + b"PICTURE" + content[middle + 7 : -5])
    with caplog.at_level(logging.WARNING):
        assert times(tmp_path) == [1.0]
    assert [one.message for one in caplog.records] == [
        f"{file}: a record is damaged; it is left out",
        f"{file}: its end is cut off; it is left out",
    ]


def test_a_record_that_lacks_something_is_left_out(tmp_path, caplog):
    from trainer_module.contract.tfrecord_frames import frame_record

    write_times(tmp_path, [1.0])
    [file] = files(tmp_path)
    with file.open("ab") as stream:
        stream.writelines(frame_record(b"") * 2)
    assert times(tmp_path) == [1.0]
    assert "it has no feature time_us (2 times)" in caplog.text


def test_a_full_disk_leaves_whole_records_and_the_next_write_works(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with TrafficWriter(tmp_path, 10**9) as writer:
        writer.write([record(1.0, bytes(1000))])
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
        try:
            with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
                writer.write([record(2.0, bytes(5000))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        writer.write([record(3.0)])
    assert times(tmp_path) == [1.0, 3.0]


def test_reading_takes_the_memory_of_a_few_pictures(tmp_path):
    write_times(tmp_path, list(range(200)), bytes(200_000))
    assert next(read_traffic(tmp_path)).time == 0.0
    tracemalloc.start()
    assert sum(1 for _ in read_traffic(tmp_path)) == 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 200_000


def test_reading_opens_only_files_of_the_same_time(tmp_path):
    for start in range(50):
        write_times(tmp_path, [start, start + 0.5])
    folder = Path("/proc/self/fd")
    before = len(list(folder.iterdir()))
    opened = [len(list(folder.iterdir())) - before for _ in read_traffic(tmp_path)]
    assert len(opened) == 100
    assert max(opened) <= 2
