"""Versions in shadow, with models that need no TensorFlow."""

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unreadable_folder import unreadable

from components.pusher.promoted_version import shadow_file
from components.pusher.version_store import VersionStore
from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoding_cost import DecodingCost
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.shadow import shadow_notices, shadow_queue, shadow_record
from pipeline.serving.shadow.shadow_metrics import ShadowMetrics
from pipeline.serving.shadow.shadow_options import ShadowOptions
from pipeline.serving.shadow.shadow_record import MAX_DOMAINS
from pipeline.serving.shadow.shadow_serving import ShadowServing
from pipeline.serving.shadow.shadow_state import open_shadow_state

OPTIONS = ShadowOptions(is_on=True, num_pictures=4, max_disagreement=0.25)


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a version that fails try a picture again at once."""
    monkeypatch.setattr(shadow_queue, "RETRY_SECONDS", 0)


class FirstByteModel:
    """A model whose class is the first byte of a picture, in capitals from version 3 on."""

    def __init__(self, number: int, confidence: float = 0.95) -> None:
        self.number, self.confidence = number, confidence

    def call(self, signature: str, instances: list[bytes]) -> dict[str, np.ndarray]:
        """See `ServedModel`. Version 5 fails, and version 6 gives no number."""
        if self.number == 5:
            raise RuntimeError("no such\nlayer")
        labels = [one[:1].upper() if self.number >= 3 else one[:1] for one in instances]
        confidence = np.nan if self.number == 6 else self.confidence
        return {
            "label": np.array(labels, object),
            "confidence": np.full(len(instances), confidence, np.float32),
        }


class Site:
    """A model with versions 1 and so on, and what has a shadow for them."""

    def __init__(self, root: Path, options: ShadowOptions = OPTIONS) -> None:
        self.store, self.listed = VersionStore(root, "shapes"), [1]
        self.file = shadow_file(self.store)
        self.state = open_shadow_state(self.file, is_on=True)
        self.broken: set[int] = set()
        self.identities: dict[int, str] = {}
        self.now = 0.0
        self.versions: LoadedVersions[Any] = LoadedVersions(
            lambda: self.listed,
            self._load,
            lambda number: self.identities.get(number, str(number)),
            clock=lambda: self.now,
            promoted=lambda: self.state.promoted,
            is_refused=self.state.is_refused,
        )
        self.budget = MemoryBudget(8000)
        self.batcher = Batcher(self.budget)
        self.shadow = ShadowServing(
            self.store, self.versions, self.state, options, self.batcher, self.budget
        )

    def _load(self, number: int) -> FirstByteModel:
        if number in self.broken:
            raise OSError("the disk fails")
        return FirstByteModel(number)

    async def update(self, *listed: int) -> tuple[int | None, int | None]:
        """Poll a directory with these versions; return the serving one and the one in shadow."""
        self.listed = list(listed)
        self.versions.update()
        await self.shadow.follow()
        return self.versions.serving(), self.versions.shadow()

    def send(self, *pictures: bytes, domain: str | None = None, confidence: float = 0.95) -> None:
        """Respond to a request with the serving version."""
        model = FirstByteModel(self.versions.serving() or 0, confidence)
        images = RequestImages(list(pictures), [DecodingCost()] * len(pictures))
        outputs = model.call("serving_default", list(pictures))
        self.shadow.mirror(model, "serving_default", images, outputs, domain)

    async def settle(self) -> None:
        """Wait until no picture waits, and write the state."""
        while len(self.shadow._queue):
            await asyncio.sleep(0.001)
        await self.shadow.follow()

    @property
    def promoted_at(self) -> str:
        """Time at which the serving version was promoted."""
        return self.state.time_of_promotion(self.versions.serving())

    def record(self) -> dict[str, Any]:
        """What the file tells of the shadow."""
        return json.loads(self.file.read_text())["shadow"]


def run(
    root: Path, use: Callable[[Site], Awaitable[None]], options: ShadowOptions = OPTIONS
) -> Site:
    """Use a site in an event loop, and close it."""

    async def use_and_close() -> Site:
        site = Site(root, options)
        await use(site)
        await site.shadow.close()
        return site

    return asyncio.run(use_and_close())


async def begin(site: Site, *listed: int) -> None:
    assert await site.update(1) == (1, None)
    assert await site.update(*listed) == (1, listed[-1])


async def compare_three(site: Site) -> None:
    """Compare all pictures that version 2 needs but one."""
    await begin(site, 1, 2)
    site.send(b"a", b"b", b"c")
    await site.settle()


def test_the_first_version_serves_at_once_and_the_next_one_after_its_shadow(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a1", b"b1")
        await site.settle()
        assert site.versions.serving() == 1
        site.send(b"a2", b"b2", b"c1")
        await site.settle()
        assert site.versions.serving() == 2

    record = run(tmp_path, use).record()
    assert (record["outcome"], record["counts"]["pictures"], record["dropped"]) == (
        "promoted",
        4,
        0,
    )


def test_the_same_picture_counts_once_also_after_a_restart(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        for _ in range(5):
            site.send(b"a", b"a", b"b")
            await site.settle()
        assert site.versions.serving() == 1

    async def restart(site: Site) -> None:
        assert await site.update(1, 2) == (1, 2)
        site.send(b"a", b"b", b"c")
        await site.settle()

    state = run(tmp_path, use).state
    assert (state.shadow.num_pictures, state.shadow.repeated) == (2, 13)
    site = run(tmp_path, restart)
    assert site.state.shadow.repeated >= 2
    assert (site.record()["counts"]["pictures"], len(site.record()["seen"])) == (3, 3)


def test_what_comes_again_and_again_stays_known_among_many_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_record, "MAX_SEEN", 3)

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        for number in range(10):
            site.send(b"health check", b"a%d" % number)
            await site.settle()

    record = run(tmp_path, use, ShadowOptions(True, 100, 0.1)).state.shadow
    assert (record.num_pictures, record.repeated, len(record.seen)) == (11, 9, 3)


def test_a_picture_that_was_dropped_counts_when_it_comes_again(tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_queue, "MAX_WAITING", 1)

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a", b"b")
        await site.settle()
        site.send(b"b")
        await site.shadow.close()  # while it waits

    async def restart(site: Site) -> None:
        assert await site.update(1, 2) == (1, 2)
        site.send(b"b")
        await site.settle()

    run(tmp_path, use)
    record = run(tmp_path, restart).record()
    assert (record["counts"]["pictures"], record["dropped"], record["repeated"]) == (2, 1, 0)


def test_the_disagreement_is_told_per_class_and_per_domain(tmp_path, caplog):
    caplog.set_level(logging.INFO)

    async def use(site: Site) -> None:
        await begin(site, 1, 3)
        site.send(b"a1", b"a2", domain="day")
        site.send(b"1", confidence=0.5)
        site.send(b"b", domain="night", confidence=0.5)
        await site.settle()
        site.send(b"11", b"2")
        await site.settle()
        assert site.versions.serving() == 1
        told = site.shadow.describe()
        rows = [(row["name"], row["disagreements"], row["pictures"]) for row in told["classes"]]
        assert rows == [("a", 2, 2), ("b", 1, 1), ("1", 0, 2), ("2", 0, 1)]
        assert [row["most_frequent"] for row in told["classes"]] == ["A", "B", "", ""]
        assert [(row["name"], row["disagreements"]) for row in told["domains"]] == [
            ("day", 2),
            ("night", 1),
            ("", 0),
        ]
        metrics = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in ShadowMetrics(lambda: site.state.shadow).collect()
            for sample in metric.samples
        }
        assert metrics["carryover_shadow_pictures", "a", "false"] == 2
        assert metrics["carryover_shadow_confident_pictures", "b", "false"] == 0
        assert "night" not in str(metrics)

    record = run(tmp_path, use).record()
    assert record["outcome"] == "over_limit"
    assert (record["counts"]["confident_disagreements"], record["counts"]["confident"]) == (2, 4)
    assert "by class: 'a' 2 of 2 (most often 'A') and 'b' 1 of 1 (most often 'B')" in caplog.text


def test_disagreements_of_which_the_serving_version_is_not_confident_are_within_the_limit(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 3)
        site.send(b"a", b"b", b"c", b"d", confidence=0.5)
        await site.settle()
        site.send(b"1", b"2", b"3", b"4")
        await site.settle()
        assert site.versions.serving() == 3

    assert run(tmp_path, use).record()["counts"]["disagreements"] == 4


def test_the_shadow_goes_on_until_enough_predictions_are_confident(tmp_path, caplog):
    async def use(site: Site) -> None:
        await begin(site, 1, 3)
        for pictures in (b"abcd", b"efgh"):
            site.send(*(bytes([one]) for one in pictures), confidence=0.5)
            await site.settle()
        site.send(b"i")  # one contradicted picture of one decides nothing
        await site.settle()
        assert site.state.shadow.outcome == ""
        site.send(b"1", b"2", b"3", b"4")
        await site.settle()
        assert site.versions.serving() == 3

    counts = run(tmp_path, use).record()["counts"]
    assert (counts["pictures"], counts["confident"]) == (12, 4)
    told = "version 1 is confident of 0 of the pictures so far, and a decision needs 4 of them"
    assert caplog.text.count(told) == 1


@pytest.mark.parametrize(
    ("wanted", "needed"), [(1, 1), (4, 4), (70, 50), (500, 50), (501, 51), (10_000, 1000)]
)
def test_a_decision_needs_fifty_confident_predictions_or_a_tenth_of_the_pictures(wanted, needed):
    assert ShadowOptions(True, wanted, 0.1).num_confident == needed


def test_where_the_serving_version_accepts_nothing_a_high_confidence_counts(tmp_path, monkeypatch):
    call = FirstByteModel.call

    def accept_none(model: FirstByteModel, *arguments: Any) -> dict[str, np.ndarray]:
        outputs = call(model, *arguments)
        return {**outputs, "accepted": np.zeros(len(outputs["label"]), bool)}

    monkeypatch.setattr(FirstByteModel, "call", accept_none)

    async def use(site: Site) -> None:
        await begin(site, 1, 3)
        site.send(b"a", b"b", b"c", b"d")
        await site.settle()
        assert site.versions.serving() == 1

    record = run(tmp_path, use).record()
    assert record["outcome"] == "over_limit"
    assert record["counts"]["confident_disagreements"] == 4


@pytest.mark.parametrize(
    ("version", "reason"), [(5, "no such layer"), (6, "its confidence is not a number")]
)
def test_a_version_that_fails_on_a_picture_never_serves(tmp_path, version, reason):
    async def use(site: Site) -> None:
        await begin(site, 1, version)
        for number in range(6):
            site.send(b"a%d" % number)
            await site.settle()
        assert site.versions.serving() == 1

    record = run(tmp_path, use).record()
    assert record["outcome"] == "failed"
    assert record["reason"].endswith(reason)

    async def restart(site: Site) -> None:
        assert await site.update(1, version) == (1, version)
        site.send(b"a", b"b")
        await site.settle()

    assert run(tmp_path, restart).record() == record


def test_a_version_that_fails_for_a_moment_goes_on(tmp_path, monkeypatch):
    call, failures = FirstByteModel.call, [MemoryError("no memory")] * 2

    def call_at_first_in_vain(model: FirstByteModel, *arguments: Any) -> dict[str, np.ndarray]:
        if model.number == 2 and failures:
            raise failures.pop()
        return call(model, *arguments)

    monkeypatch.setattr(FirstByteModel, "call", call_at_first_in_vain)
    assert run(tmp_path, compare_three).record()["counts"]["pictures"] == 3


async def fail_here_and_serve_there(site: Site, other: Site) -> None:
    """Let version 3 fail on a picture that one server gets, and compare well in the other one."""
    for one in (site, other):
        await begin(one, 1, 3)
    other.send(b"1", b"2", b"3", b"4")
    site.shadow._fail(site.state.shadow, "no such layer")


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_version_that_failed_in_one_server_serves_in_none(tmp_path, is_told_first):
    async def use(site: Site) -> None:
        other = Site(tmp_path)
        await fail_here_and_serve_there(site, other)
        if is_told_first:
            await site.shadow.follow()
        await other.settle()
        assert other.versions.serving() == (1 if is_told_first else 3)
        for one in (site, other):
            await one.shadow.follow()
        for one in (site, other):
            assert (one.versions.serving(), one.state.shadow.outcome) == (1, "failed")

    site = run(tmp_path, use)
    assert (site.state.promoted, site.record()["outcome"]) == (1, "failed")


def test_the_counts_begin_anew_where_another_model_gets_the_number_of_the_serving_version(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a", b"b", b"c")
        await site.settle()
        site.identities = {1: "another"}
        assert await site.update(1, 2) == (1, 2)

    record = run(tmp_path, use).record()
    assert (record["outcome"], record["counts"]["pictures"]) == ("", 0)
    assert record["serving_identity"] == "another"


def test_a_newer_version_replaces_the_one_in_shadow_and_is_counted_anew(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a", b"b", b"c")
        await site.settle()
        assert await site.update(1, 2, 4) == (1, 4)
        site.send(b"1")
        await site.settle()
        assert site.versions.serving() == 1

    record = run(tmp_path, use).record()
    assert (record["version"], record["counts"]["pictures"]) == (4, 1)


def test_what_waits_for_a_version_that_was_replaced_is_not_counted(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a", b"b", b"c")
        assert await site.update(1, 2, 4) == (1, 4)
        await site.settle()

    assert run(tmp_path, use).record()["counts"]["pictures"] == 0


def test_a_version_in_shadow_that_is_rolled_back_leaves_the_serving_one(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        assert await site.update(1) == (1, None)

    record = run(tmp_path, use).record()
    assert (record["outcome"], record["reason"]) == ("withdrawn", "it was rolled back or removed")


def test_the_counts_begin_anew_with_another_serving_version(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.state.promoted = 2  # as after its shadow
        assert await site.update(1, 2, 3) == (2, 3)
        site.send(b"1")
        await site.settle()
        assert await site.update(1, 3) == (1, 3)

    record = run(tmp_path, use).record()
    assert (record["version"], record["serving"], record["counts"]["pictures"]) == (3, 1, 0)


def test_without_an_earlier_version_that_can_serve_the_one_in_shadow_does(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 3)
        assert await site.update(3) == (3, None)

    record = run(tmp_path, use).record()
    assert (record["outcome"], record["reason"]) == (
        "promoted",
        "there is no earlier version to serve",
    )


def test_a_version_that_failed_serves_only_where_there_is_no_other_and_is_not_promoted(
    tmp_path, caplog
):
    async def use(site: Site) -> None:
        await begin(site, 1, 5)
        site.send(b"a")
        await site.settle()
        assert await site.update(5) == (1, 5)  # version 1 is still in memory

    async def restart(site: Site) -> None:
        assert await site.update(5) == (5, None)
        assert await site.update(5) == (5, None)
        assert site.state.promoted == 1
        assert await site.update(1, 5) == (1, 5)

    before = run(tmp_path, use).record()
    assert before["outcome"] == "failed"
    site = run(tmp_path, restart)
    assert (site.record(), site.state.promoted) == (before, 1)
    assert caplog.text.count("version 5 serves although it is not to") == 1


def test_the_version_in_shadow_stands_in_for_one_that_cannot_be_loaded_and_is_not_promoted(
    tmp_path,
):
    async def second(site: Site) -> None:
        site.broken = {1}
        assert await site.update(1, 2) == (2, None)
        site.send(b"d")
        site.broken, site.now = set(), 60
        assert await site.update(1, 2) == (1, 2)

    before = run(tmp_path, compare_three).record()
    site = run(tmp_path, second)
    assert (site.record(), site.state.promoted) == (before, 1)


def test_a_version_in_shadow_that_cannot_be_loaded_for_now_keeps_its_counts(tmp_path):
    async def second(site: Site) -> None:
        site.broken = {2}
        assert await site.update(1, 2) == (1, None)
        site.broken, site.now = set(), 60
        assert await site.update(1, 2) == (1, 2)

    before = run(tmp_path, compare_three).record()
    assert run(tmp_path, second).record() == before


def test_a_restart_goes_on_with_the_counts(tmp_path):
    async def second(site: Site) -> None:
        assert await site.update(1, 2) == (1, 2)
        site.send(b"d")
        await site.settle()
        assert site.versions.serving() == 2

    run(tmp_path, compare_three)
    assert run(tmp_path, second).record()["counts"]["pictures"] == 4


def test_when_a_version_began_to_serve_is_known_also_after_a_restart(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        assert site.promoted_at == ""  # version 1 serves since its push
        site.send(b"a", b"b", b"c", b"d")
        await site.settle()
        assert site.versions.serving() == 2
        assert site.promoted_at == site.state.shadow.ended

    async def restart(site: Site) -> None:
        assert await site.update(1, 2, 3) == (2, 3)  # a third one is in shadow now
        assert site.promoted_at == ended

    async def restart_without_a_shadow(site: Site) -> None:
        state = open_shadow_state(site.file, is_on=False)
        assert state.promoted is None
        assert state.time_of_promotion(2) == ended
        assert not state.time_of_promotion(3)

    async def restart_once_more(site: Site) -> None:
        assert await site.update(1, 2) == (2, None)
        assert site.state.promoted == 2
        assert site.promoted_at == ended

    ended = run(tmp_path, use).record()["ended"]
    assert ended
    for step in (restart, restart_without_a_shadow, restart_without_a_shadow, restart_once_more):
        run(tmp_path, step)


def roll_back(site: Site, number: int) -> Path:
    """Make what a rollback leaves, and return the folder."""
    folder = site.store.rolled_back / str(number)
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_version_that_is_put_back_after_a_rollback_is_first_in_shadow(
    tmp_path, caplog, is_restarted
):
    caplog.set_level(logging.INFO)

    async def roll_it_back(site: Site) -> None:
        assert await site.update(1, 2) == (2, None)
        folder = roll_back(site, 2)
        if is_restarted:
            return
        await put_it_back(site)
        assert not folder.exists()

    async def put_it_back(site: Site) -> None:
        assert await site.update(1) == (1, None)
        assert site.promoted_at
        site.store.path(2).parent.mkdir(parents=True)
        (site.store.rolled_back / "2").rename(site.store.path(2))
        assert await site.update(1, 2) == (1, 2)
        assert await site.update(1, 2) == (1, 2)

    site = run(tmp_path, roll_it_back)
    if is_restarted:
        site = run(tmp_path, put_it_back)
    assert (site.record()["version"], site.record()["outcome"]) == (2, "")
    assert "version 2 was rolled back, and version 1 serves. If it is put back" in caplog.text


def test_a_version_that_is_missing_but_was_not_rolled_back_serves_when_it_is_back(tmp_path):
    async def use(site: Site) -> None:
        assert await site.update(1, 2) == (2, None)
        assert await site.update(1) == (1, None)
        assert await site.update(1, 2) == (2, None)

    run(tmp_path, use)


def test_the_log_says_what_a_shadow_needs_and_at_a_restart_what_there_is(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run(tmp_path, compare_three)
    needs = "which must be confident of 4 of them, before it serves"
    assert [record.message for record in caplog.records if "in shadow" in record.message] == [
        "a version that is pushed now is first in shadow: it predicts 4 pictures beside the "
        f"serving version, {needs}",
        f"version 2 is in shadow: it predicts 4 pictures beside version 1, {needs}",
    ]
    caplog.clear()
    Site(tmp_path)
    assert caplog.records[0].message == (
        f"version 2 is in shadow: it predicts 4 pictures beside version 1, {needs}. So far there "
        "are 3 pictures and 3 confident predictions"
    )


def test_a_higher_limit_after_a_restart_lets_the_version_serve(tmp_path):
    async def first(site: Site) -> None:
        await begin(site, 1, 3)
        site.send(b"a", b"b", b"1", b"2")
        await site.settle()
        assert site.versions.serving() == 1

    async def second(site: Site) -> None:
        await site.update(1, 3)
        assert site.versions.serving() == 3

    assert run(tmp_path, first).record()["outcome"] == "over_limit"
    assert run(tmp_path, second, ShadowOptions(True, 4, 0.5)).record()["outcome"] == "promoted"


def test_a_version_that_another_server_of_the_workspace_promotes_serves_here_too(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        other = Site(tmp_path)
        assert await other.update(1, 2) == (1, 2)
        other.send(b"a", b"b", b"c", b"d")
        await other.settle()
        await site.shadow.follow()
        assert site.versions.serving() == 2

    assert "another server" in run(tmp_path, use).record()["reason"]


def test_a_version_that_failed_is_replaced_where_another_server_promotes_a_later_one(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 5)
        site.send(b"a")
        await site.settle()
        other = Site(tmp_path)
        await other.update(1, 5, 7)
        other.send(b"1", b"2", b"3", b"4")
        await other.settle()
        await site.shadow.follow()
        assert (site.state.promoted, site.state.shadow.outcome) == (7, "replaced")

    run(tmp_path, use)


def test_what_another_server_has_just_written_is_not_overwritten(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        other = Site(tmp_path)
        await other.update(1, 2)
        other.send(b"a", b"b", b"c", b"d")
        await other.settle()
        site.send(b"a")
        await site.shadow._file.save(site.state)  # as if the other one had written during `follow`
        assert json.loads(site.file.read_text())["promoted"] == 2
        await site.settle()
        assert site.versions.serving() == 2

    assert run(tmp_path, use).state.promoted == 2


def test_pictures_for_which_there_is_no_room_are_dropped_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_queue, "MAX_WAITING", 2)

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a", b"b", b"c", b"d")
        assert len(site.shadow._queue) == 2
        await site.settle()
        site.send(b"a" * 900, b"b" * 200)  # beyond an eighth of the memory
        await site.settle()
        assert site.budget.used == 0

    record = run(tmp_path, use).record()
    assert (record["counts"]["pictures"], record["dropped"]) == (3, 3)


def test_responses_of_other_versions_and_other_outputs_are_not_compared(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        images = RequestImages([b"a"], [DecodingCost()])
        outputs = FirstByteModel(2).call("serving_default", [b"a"])
        site.shadow.mirror(FirstByteModel(2), "serving_default", images, outputs, None)
        embedding = {"embedding": np.zeros((1, 3))}
        site.shadow.mirror(FirstByteModel(1), "embed", images, embedding, None)
        assert len(site.shadow._queue) == 0

    assert run(tmp_path, use).record()["counts"]["pictures"] == 0


def test_more_domains_than_are_told_apart_count_as_not_known(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        for number in range(MAX_DOMAINS + 5):
            site.send(b"a%d" % number, domain=f"domain {number}")
            await site.settle()

    pairs = run(tmp_path, use, ShadowOptions(True, 1000, 0.1)).record()["pairs"]
    assert len(pairs) == MAX_DOMAINS + 1
    assert {pair["pictures"] for pair in pairs if not pair["domain"]} == {5}


def test_the_end_of_a_shadow_is_told_to_the_command(tmp_path):
    event = tmp_path / "event.json"
    script = f"import sys; open({str(event)!r}, 'w').write(sys.stdin.read())"
    options = ShadowOptions(True, 1, 0.1, (sys.executable, "-c", script))

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a")
        await site.settle()
        deadline = time.monotonic() + 30
        while not (event.exists() and event.read_text()):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    run(tmp_path, use, options)
    told = json.loads(event.read_text())
    assert (told["event"], told["model"], told["version"]) == ("shadow_ended", "shapes", 2)
    assert told["outcome"] == "promoted"


def test_a_command_that_hangs_does_not_hold_up_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_notices, "CLOSE_SECONDS", 0.2)
    script = "import time; time.sleep(20)"
    options = ShadowOptions(True, 1, 0.1, (sys.executable, "-c", script))

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a")
        await site.settle()

    start = time.monotonic()
    assert run(tmp_path, use, options).record()["outcome"] == "promoted"
    assert time.monotonic() - start < 10


def test_a_state_that_cannot_be_written_is_told_once_and_versions_serve(tmp_path, caplog):
    async def use(site: Site) -> None:
        (tmp_path / "shadow").write_text("no folder")
        await begin(site, 1, 2)
        site.send(b"a", b"b", b"c", b"d")
        await site.settle()
        assert site.versions.serving() == 2

    run(tmp_path, use)
    assert caplog.text.count("cannot be written") == 1


def test_versions_are_followed_while_the_state_may_not_be_read(tmp_path, caplog):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        with unreadable(tmp_path / "shadow"):
            site.send(b"a")
            await site.settle()
            assert await site.update(1) == (1, None)
            assert await site.update(1, 3) == (1, 3)
        await site.shadow.follow()

    assert run(tmp_path, use).record()["version"] == 3
    assert caplog.text.count("cannot be written: Permission denied") == 1


def test_no_request_waits_for_a_version_in_shadow_that_never_ends(tmp_path, monkeypatch):
    call, go_on = FirstByteModel.call, threading.Event()

    def call_slowly(model: FirstByteModel, *arguments: Any) -> dict[str, np.ndarray]:
        assert model.number == 1 or go_on.wait(30)
        return call(model, *arguments)

    monkeypatch.setattr(FirstByteModel, "call", call_slowly)

    async def use(site: Site) -> None:
        await begin(site, 1, 2)
        site.send(b"a")
        images = RequestImages([b"b"], [DecodingCost()])
        for number in range(20):
            calling = site.batcher.call(site.versions.get(), "serving_default", images)
            outputs = await asyncio.wait_for(calling, 5)
            assert list(outputs["label"]) == [b"b"]
            site.send(b"b%d" % number)
        assert len(site.shadow._queue) == 4  # no more are wanted
        go_on.set()
        await site.settle()

    assert run(tmp_path, use).record()["counts"]["pictures"] == 4


def test_the_file_can_be_read_by_its_owner_only(tmp_path):
    async def use(site: Site) -> None:
        await begin(site, 1, 2)

    file = run(tmp_path, use).file
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
