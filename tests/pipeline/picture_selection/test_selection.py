"""Every domain gives its share of pictures, some at random, and none twice."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.picture_selection import selection
from pipeline.picture_selection.picture_features import HASH_BYTES, PictureFeatures
from pipeline.picture_selection.selection import first_of_lookalikes, select_pictures, share_count
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture

pytestmark = pytest.mark.component


def features_of(counts: dict[str, int], seed: int = 5) -> PictureFeatures:
    rng = np.random.default_rng(seed)
    pictures, embeddings, probabilities, hashes = [], [], [], []
    for domain, count in counts.items():
        own = np.random.default_rng(len(domain) + seed)
        pictures += [UnlabelledPicture(f"/{n}", f"{n:03}.png", domain) for n in range(count)]
        embeddings.append(own.normal(0, 1, (count, 8)))
        probabilities.append(own.dirichlet(np.ones(3), count))
        hashes.append(rng.integers(0, 256, (count, HASH_BYTES)))
    return PictureFeatures(
        pictures,
        [f"class {row.argmax()}" for row in np.concatenate(probabilities)],
        np.concatenate(probabilities).astype(np.float32),
        np.concatenate(embeddings).astype(np.float16),
        np.concatenate(hashes).astype(np.uint8),
        0,
        0,
        [],
    )


def picks(features: PictureFeatures, count: int, seed: int = 1) -> list[tuple[str, str, str]]:
    choices = select_pictures(features, count, seed).choices
    return [(choice.picture.domain, choice.picture.name, choice.why) for choice in choices]


@pytest.mark.parametrize(
    ("available", "count", "expected"),
    [
        ({"a": 9, "b": 9}, 6, {"a": 3, "b": 3}),
        ({"a": 9, "b": 9}, 7, {"a": 3, "b": 4}),
        ({"a": 9, "b": 1, "c": 3}, 11, {"b": 1, "c": 3, "a": 7}),
        ({"a": 2, "b": 1}, 9, {"a": 2, "b": 1}),
    ],
)
def test_domains_share_the_count_and_small_ones_leave_theirs_to_others(available, count, expected):
    assert share_count(available, count) == expected


def test_a_fifth_of_every_domain_is_chosen_at_random():
    found = picks(features_of({"fog": 80, "rain": 90}), 40)
    assert len(set(found)) == len({pick[:2] for pick in found}) == 40
    for domain in ("fog", "rain"):
        assert [why for name, _, why in found if name == domain].count("random") == 4


def test_the_random_ones_are_a_fair_sample_of_all(monkeypatch):
    monkeypatch.setattr(selection, "choose_diverse", lambda *_: np.arange(8))
    features = features_of({"fog": 30})
    drawn = [
        int(name[:3])
        for seed in range(200)
        for _, name, why in picks(features, 10, seed)
        if why == "random"
    ]
    counts = np.bincount(drawn, minlength=30)
    assert counts.sum() == 400
    assert counts.min() >= 3 and counts.max() <= 30  # 13 are expected


def test_the_same_seed_gives_the_same_pictures_whatever_other_domains_hold():
    both, alone = features_of({"fog": 50, "rain": 90}), features_of({"fog": 50})
    assert picks(both, 20) == picks(both, 20)
    assert [pick for pick in picks(both, 20) if pick[0] == "fog"] == picks(alone, 10)
    assert picks(alone, 10, seed=2) != picks(alone, 10)


def test_of_pictures_that_look_alike_one_can_be_chosen():
    features = features_of({"fog": 40})
    hashes = features.hashes.copy()
    hashes[10:20] = hashes[0]
    hashes[20] = hashes[1]
    hashes[20, 0] ^= 0b111  # differs in 3 of 256 bits
    selected = select_pictures(replace(features, hashes=hashes), 100, 1)
    names = [int(choice.picture.name[:3]) for choice in selected.choices]
    assert names == [*range(10), *range(21, 40)]
    assert selected.num_candidates == {"fog": 29}
    assert selected.num_lookalikes == 11


def test_where_too_few_look_different_some_that_look_alike_are_among_them():
    features = features_of({"fog": 40, "rain": 5})
    hashes = features.hashes.copy()
    hashes[3:40] = hashes[0]
    chosen = select_pictures(replace(features, hashes=hashes), 100, 1, at_least=12).choices
    names = [choice.picture.name for choice in chosen]
    assert [name[:3] for name in names] == [f"{n:03d}" for n in (*range(5), *range(12))]


def test_a_picture_is_kept_that_looks_like_one_that_is_left_out():
    hashes = np.random.default_rng(1).integers(0, 256, (1, HASH_BYTES)).astype(np.uint8)
    hashes = hashes.repeat(3, axis=0)
    hashes[1, :2] ^= 0xFF  # 16 bits from the first
    hashes[2, :4] ^= 0xFF  # 16 from the second, and 32 from the first
    assert first_of_lookalikes(hashes).tolist() == [0, 2]
