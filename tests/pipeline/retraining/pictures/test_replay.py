"""No retraining leaves out a class or a domain altogether."""

from collections import Counter
from dataclasses import replace
from typing import Any

from components.image_example_gen import splits
from components.pusher.data_set import SCHEMA
from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.batch import Batch
from pipeline.retraining.pictures.replay import balanced_sample, replay_rows


def row(location: str, label: str, split: str = "train", domain: str = "day") -> Any:
    content = splits.digest(location.encode())
    values = (location.encode(), domain, label, split, content, content)
    return dict(zip(SCHEMA.names, values, strict=True))


def pushed(number: int, digest: str) -> Batch:
    made = Batch(number, digest, "", digest, "", "", "pushed", "", {}, None, None, 0, None, None)
    return replace(made, version=number)


#: 60 classes with five pictures each, of which one is tested.
MANY = [
    row(f"{name}/{number}.png", name, "test" if number == 4 else "train")
    for name in (f"class {number:02d}" for number in range(60))
    for number in range(5)
]


def test_more_classes_than_the_size_of_the_sample_are_all_trained_on():
    chosen = replay_rows(MANY, [], RetrainOptions(replay_per_domain=40))
    train = Counter(one["label"] for one in chosen if one["split"] == "train")
    assert len(train) == 60
    assert set(train.values()) == {1}


def test_a_small_sample_prefers_no_class_by_its_name():
    labels = {one["label"] for one in balanced_sample(MANY, 30)}
    assert len(labels) == 30
    assert any(label > "class 44" for label in labels)


def test_of_a_class_or_domain_that_only_old_batches_have_one_picture_is_replayed():
    old = [row(f"batches/old/{number}.png", "owl") for number in range(3)]
    old += [row(f"batches/old/fog {number}.png", "cat", domain="fog") for number in range(3)]
    newer = row("batches/newer/1.png", "cat", "eval")
    rows = [row("data/1.png", "cat"), row("data/2.png", "cat", "test"), newer, *old]
    batches = [pushed(1, "old"), pushed(2, "newer")]
    chosen = replay_rows(rows, batches, RetrainOptions(window=1))
    places = Counter((one["domain"], one["label"], one["split"]) for one in chosen)
    assert places == {
        ("day", "cat", "train"): 1,
        ("day", "cat", "test"): 1,
        ("day", "cat", "eval"): 1,
        ("day", "owl", "train"): 1,
        ("fog", "cat", "train"): 1,
    }


def test_an_old_batch_with_test_pictures_is_not_trained_on_again():
    rows = [row("data/1.png", "cat"), row("batches/old/1.png", "owl")]
    rows += [row("batches/old/2.png", "owl", "test"), row("batches/newer/1.png", "owl")]
    chosen = replay_rows(rows, [pushed(1, "old"), pushed(2, "newer")], RetrainOptions(window=1))
    assert sorted(one["location"] for one in chosen) == [
        b"batches/newer/1.png",
        b"batches/old/2.png",
        b"data/1.png",
    ]


def test_a_batch_whose_version_was_rolled_back_does_not_count_for_the_window():
    rows = [row("data/1.png", "cat"), *(row(f"batches/old/{n}.png", "cat") for n in range(3))]
    batches = [pushed(1, "old"), pushed(2, "rolled-back")]
    assert len(replay_rows(rows, batches, RetrainOptions(window=1))) == 4
