"""What arrived, read from files of traffic."""

import shutil

import pytest
from tiny_pictures import solid
from tiny_traffic import record

from pipeline.overview import traffic_history
from pipeline.overview.traffic_history import NOTHING, OVERLAP, WINDOW, TrafficHistory
from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder

pytestmark = pytest.mark.component

NOW = 1_700_000_000.0

#: Version that has predicted the pictures, unless a test says another one.
VERSION = 3


class Site:
    """A workspace with traffic, and its history."""

    def __init__(self, root) -> None:
        self.root, self.now = root, NOW
        self.history = TrafficHistory(root, "colours", lambda: self.now)

    def write(self, *times: float, **fields) -> None:
        """Write pictures of these times with a writer of its own."""
        with TrafficWriter(traffic_folder(self.root), 10**8) as writer:
            writer.write([record(time, solid("red"), **fields) for time in times])

    def read(self) -> int:
        """Read, and return the number of pictures."""
        found = self.history.read(VERSION)
        assert found["problem"] == ""
        return found["pictures"]


@pytest.fixture(name="site")
def _site(tmp_path) -> Site:
    return Site(tmp_path)


def test_without_traffic_nothing_is_kept(site):
    assert site.history.read(VERSION) == NOTHING
    assert list(site.root.iterdir()) == []


def test_every_picture_of_a_week_is_counted_once_however_often_it_is_read(site):
    site.write(NOW - WINDOW - 1, NOW - WINDOW + 1, NOW - 20, NOW - 1)
    assert [site.read(), site.read()] == [3, 3]
    site.write(NOW + 30, NOW + 31)
    site.now = NOW + 40
    assert site.read() == 4  # one of the first is too old by now


def test_pictures_that_another_server_writes_late_are_counted(site):
    site.write(NOW - 1)
    assert site.read() == 1
    site.write(NOW - OVERLAP + 1)
    assert site.read() == 2


def test_pictures_of_another_model_are_left_out(site):
    site.write(NOW - 3)  # of the only model, if there is one
    site.write(NOW - 2, model="colours")
    site.write(NOW - 1, model="other")
    assert site.read() == 2
    for name in ("colours", "other"):
        (site.root / "serving" / name).mkdir(parents=True)
    site.history = TrafficHistory(site.root, "colours", lambda: site.now)
    assert site.read() == 1


def test_what_other_versions_predicted_is_counted_and_left_out(site):
    site.write(NOW - 9, NOW - 8, version=2, novelty=0.99, domain="two")
    site.write(NOW - 3, novelty=0.97, domain="three")
    site.write(NOW - 2, version=2, domain="two")
    for version, name, pictures, others in ((VERSION, "three", 1, 3), (2, "two", 3, 1)):
        found = site.history.read(version)
        assert [one["name"] for one in found["domains"]] == [name]
        assert (found["pictures"], found["other_pictures"]) == (pictures, others)
        assert {one["version"] for one in found["unusual"]} == {version}
    site.now += WINDOW
    assert site.history.read(2) == NOTHING | {"is_kept": True}


def test_pictures_of_a_clock_that_was_wrong_are_left_out(site):
    site.write(NOW - 1, NOW + 1e6)
    assert site.read() == 1


def test_domains_novelties_and_unusual_pictures_are_told(site):
    site.write(NOW - 2, domain="two\nlines", novelty=0.5, accepted=True)
    site.write(NOW - 1, domain="", novelty=0.99, accepted=None)
    found = site.history.read(VERSION)
    domains = [(one["name"], one["novelty"], one["accepted"]) for one in found["domains"]]
    assert domains == [("", 0.99, None), (r"two\nlines", 0.5, 1.0)]
    [unusual] = found["unusual"]
    assert unusual["novelty"] == 0.99
    assert unusual["thumbnail"].startswith("data:image/webp;base64,")


def test_pictures_whose_files_are_deleted_are_forgotten(site):
    site.write(NOW - 3, novelty=0.99)
    assert site.read() == 1
    shutil.rmtree(traffic_folder(site.root))
    assert site.history.read(VERSION) == NOTHING
    site.write(NOW - 2)
    found = site.history.read(VERSION)
    assert (found["pictures"], found["unusual"]) == (1, [])


def test_a_picture_whose_file_is_deleted_among_others_is_forgotten(site):
    for number in (9, 6, 3):
        site.write(NOW - number, domain=f"{number}", novelty=0.99)
    assert site.read() == 3
    _, second, _ = sorted(traffic_folder(site.root).glob("*.tfrecord"))
    second.unlink()
    assert sorted(one["name"] for one in site.history.read(VERSION)["domains"]) == ["3", "9"]


def test_damaged_files_cost_their_records_only(site):
    site.write(NOW - 2)
    site.write(NOW - 1)
    first, _ = sorted(traffic_folder(site.root).glob("*.tfrecord"))
    first.write_bytes(first.read_bytes()[:-3])
    assert site.read() == 1


def test_a_folder_that_cannot_be_read_is_named(site):
    traffic_folder(site.root).write_bytes(b"a file")
    assert "cannot be read" in site.history.read(VERSION)["problem"]


def test_what_takes_long_is_read_in_parts(site, monkeypatch):
    times = [NOW - 5000 + 20 * number for number in range(200)]
    site.write(*times)
    monkeypatch.setattr(traffic_history, "READ_SECONDS", 0.0)
    first = site.history.read(VERSION)
    assert not first["is_complete"]
    assert 0 < first["pictures"] < 200
    monkeypatch.setattr(traffic_history, "READ_SECONDS", 600.0)
    second = site.history.read(VERSION)
    assert (second["is_complete"], second["pictures"]) == (True, 200)


def test_reading_ends_soon_after_a_stop(site):
    site.write(*(NOW - 1000 + number for number in range(500)))
    site.history.stop()
    assert site.read() < 500
