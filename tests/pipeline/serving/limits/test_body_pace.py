"""Pace of large bodies."""

import asyncio

from pipeline.serving.limits.body_pace import BodyPace


def test_all_bodies_together_are_read_at_the_rate():
    async def run() -> list[float]:
        pace = BodyPace(rate=1000)
        return await asyncio.gather(*(pace.wait(20) for _ in range(3)))

    first, second, third = asyncio.run(run())
    assert first >= 0.019
    assert second >= 0.039
    assert third >= 0.059
