"""Sampling: what is kept of a request, and what happens when it cannot be."""

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.sampling import traffic_sampler
from pipeline.serving.sampling.traffic_sampler import TrafficSampler
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.traffic.traffic_store import TrafficWriter, read_traffic

pytestmark = pytest.mark.component

MIB = 2**20


def request_of(*pictures: bytes, input_name: str = "image") -> PredictRequest:
    return PredictRequest("serving_default", input_name, list(pictures), row_format=True)


def outputs_of(count: int, **others: Any) -> dict[str, np.ndarray]:
    """Outputs of a version: labels `class-0`, `class-1` and so on."""
    return {
        "label": np.array([f"class-{row}".encode() for row in range(count)], object),
        "confidence": np.linspace(0.5, 1, count, dtype=np.float32),
        **others,
    }


class Site:
    """A sampler in a loop, with its folder, memory and metrics."""

    def __init__(self, folder: Path, rate: float = 1.0, memory: int = 100 * MIB) -> None:
        self.folder = folder / "traffic"
        self.budget, self.metrics = MemoryBudget(memory), ServerMetrics(lambda: 1)
        writer = TrafficWriter(self.folder, 10**9)
        self.sampler = TrafficSampler(writer, "colours", rate, "day", self.budget, self.metrics)

    def run(self, use: Callable[[], Any]) -> None:
        """Call a function in a loop, and close the sampler."""

        async def run() -> None:
            use()
            await self.sampler.close()

        asyncio.run(run())

    def kept(self) -> list[Any]:
        return list(read_traffic(self.folder))

    def count(self, name: str) -> float:
        lines = self.metrics.text().decode().splitlines()
        [line] = [line for line in lines if line.startswith(f"carryover_{name}_total ")]
        return float(line.split()[1])


def test_picture_prediction_time_model_version_and_domain_are_kept(tmp_path):
    site = Site(tmp_path)
    rule = {"novelty": np.array([0.25, 0.75], np.float32), "accepted": np.array([True, False])}

    def use() -> None:
        site.sampler.sample(7, request_of(b"one", b"two"), outputs_of(2, **rule), "night")
        site.sampler.sample(8, request_of(b"three"), outputs_of(1), None)

    site.run(use)
    one, two, three = site.kept()
    assert (one.image, one.version, one.domain, one.label) == (b"one", 7, "night", "class-0")
    assert {one.model, two.model, three.model} == {"colours"}
    assert (one.confidence, one.novelty, one.accepted) == (0.5, 0.25, True)
    assert (two.label, two.novelty, two.accepted, two.time) == ("class-1", 0.75, False, one.time)
    assert (three.domain, three.novelty, three.accepted) == ("day", None, None)
    assert (site.count("sampled_pictures"), site.count("dropped_sampled_pictures")) == (3, 0)
    assert site.budget.used == 0


def test_the_picture_of_a_tf_example_is_kept_and_nothing_else_of_it(tmp_path):
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(b"picture")
    example.features.feature["name"].bytes_list.value.append(b"secret")
    instances = request_of(
        example.SerializeToString(), tf.train.Example().SerializeToString(), input_name="examples"
    )
    site = Site(tmp_path)
    site.run(lambda: site.sampler.sample(1, instances, outputs_of(2), None))
    assert [record.image for record in site.kept()] == [b"picture"]
    [file] = site.folder.glob("*.tfrecord")
    assert b"secret" not in file.read_bytes()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_about_the_share_of_the_pictures_is_kept(tmp_path, rate):
    random.seed(5)
    site = Site(tmp_path, rate)
    request, outputs = request_of(*[b"picture"] * 100), outputs_of(100)
    site.run(lambda: [site.sampler.sample(1, request, outputs, None) for _ in range(20)])
    # Four standard deviations of a binomial distribution.
    assert abs(len(site.kept()) - 2000 * rate) < 4 * (2000 * rate * (1 - rate)) ** 0.5


@pytest.mark.parametrize(
    "outputs",
    [
        {"embedding": np.zeros((1, 4), np.float32)},
        {"label": np.array([3]), "confidence": np.array([0.5])},
        {"label": np.array([[b"a", b"b"]], object), "confidence": np.array([[0.5, 0.5]])},
    ],
)
def test_outputs_that_are_no_prediction_of_ours_are_not_kept(tmp_path, outputs):
    site = Site(tmp_path)
    site.run(lambda: site.sampler.sample(1, request_of(b"picture"), outputs, None))
    assert site.kept() == []


def test_pictures_beyond_their_share_of_the_memory_are_dropped_and_counted(tmp_path):
    site = Site(tmp_path, memory=32 * MIB)  # an eighth of it is one picture with its copies

    def use() -> None:
        site.sampler.sample(1, request_of(bytes(MIB), bytes(MIB)), outputs_of(2), None)
        assert site.budget.used == 4 * MIB

    site.run(use)
    assert [len(record.image) for record in site.kept()] == [MIB]
    assert (site.count("sampled_pictures"), site.count("dropped_sampled_pictures")) == (1, 1)
    assert site.budget.used == 0


def test_memory_that_requests_need_is_not_taken(tmp_path):
    site = Site(tmp_path, memory=32 * MIB)
    assert site.budget.keep(16 * MIB)
    site.run(lambda: site.sampler.sample(1, request_of(bytes(1000)), outputs_of(1), None))
    assert site.kept() == []
    assert site.count("dropped_sampled_pictures") == 1


def test_pictures_are_written_within_a_second_while_requests_come(tmp_path):
    site = Site(tmp_path)

    async def run() -> None:
        site.sampler.sample(1, request_of(b"first"), outputs_of(1), None)
        for _ in range(100):
            await asyncio.sleep(0.01)
            site.sampler.sample(1, request_of(b"later"), outputs_of(1), None)
        assert site.kept()[0].image == b"first"
        await site.sampler.close()

    asyncio.run(run())
    assert len(site.kept()) == 101


def test_a_folder_that_cannot_be_written_is_told_once_and_tried_again(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(traffic_sampler, "FLUSH_SECONDS", 0.01)
    site = Site(tmp_path)
    site.folder.write_text("a file in its place")
    retry = 0.0

    async def sample() -> None:
        site.sampler.sample(1, request_of(b"picture"), outputs_of(1), None)
        while site.budget.used:
            await asyncio.sleep(0.01)

    async def run() -> None:
        await sample()
        await sample()  # it is dropped at once
        monkeypatch.setattr(traffic_sampler, "RETRY_SECONDS", retry)
        site.sampler._paused_until = retry
        await sample()
        site.folder.unlink()
        await sample()
        await site.sampler.close()

    with caplog.at_level(logging.INFO, logger="carryover"):
        asyncio.run(run())
    first, second = (record.message for record in caplog.records)
    assert first.startswith("pictures of requests are not kept: ")
    assert second == "pictures of requests are kept again"
    assert (site.count("sampled_pictures"), site.count("dropped_sampled_pictures")) == (1, 3)
