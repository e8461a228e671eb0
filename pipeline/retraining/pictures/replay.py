"""Replay set: the known pictures that a retraining reads again."""

from collections import defaultdict
from collections.abc import Container, Iterable

from components.pusher.data_set import DataSetRow
from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.batch import Batch
from pipeline.retraining.pictures.known_pictures import batch_folder
from pipeline.retraining.pictures.replaced_batches import batch_location

#: Replayed eval pictures of a domain, as a share of its replayed training pictures.
EVAL_SHARE = 0.4


def replay_rows(
    rows: list[DataSetRow],
    batches: list[Batch],
    options: RetrainOptions,
    cross_fitted: Container[bytes] = frozenset(),
) -> list[DataSetRow]:
    """Return all pictures that are tested, and a sample of the others of every domain.

    The sample of the training pictures holds one of every class at least. A class or domain of
    which nothing else is read has one picture, whatever `window` says: the data gate would take it
    for one that has vanished.

    Args:
        rows: Rows of the data set of the serving version.
        batches: All batches of the ledger.
        options: Options; `replay_per_domain` is the size of the sample.
        cross_fitted: Digests of the pictures in train and eval that are cross-fitted.
    """
    sizes = {
        "train": options.replay_per_domain,
        "eval": max(1, round(options.replay_per_domain * EVAL_SHARE)),
    }
    outside = _outside_window(rows, batches, options)
    chosen = [row for row in rows if row["split"] == "test" or row["content"] in cross_fitted]
    groups: dict[tuple[str, str], list[DataSetRow]] = defaultdict(list)
    for row in rows:
        if row["split"] == "test" or row["content"] in cross_fitted:
            continue
        if batch_folder(row["location"]) not in outside:
            groups[(row["split"], row["domain"])].append(row)
    for (split, _), group in sorted(groups.items()):
        num_classes = len({row["label"] for row in group}) if split == "train" else 0
        chosen += balanced_sample(group, max(sizes[split], num_classes))
    return chosen + _missing_names(rows, chosen)


def balanced_sample(rows: Iterable[DataSetRow], count: int) -> list[DataSetRow]:
    """Return a sample with equally many rows of every class, as far as there are.

    The digests of the files decide which rows are chosen, so a sample of more rows shares most of
    its rows with a sample of fewer rows.

    Args:
        rows: Rows of a data set.
        count: Size of the sample.
    """
    by_label: dict[str, list[DataSetRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["content"], row["location"])):
        by_label[row["label"]].append(row)
    # The first row of every class, then the second one of every class, and so on. The names of the
    # classes do not matter: those at the end of the alphabet would be left out every time.
    ranked = [(rank, row) for same in by_label.values() for rank, row in enumerate(same)]
    ranked.sort(key=lambda item: (item[0], item[1]["content"], item[1]["location"]))
    return [row for _, row in ranked[:count]]


def _missing_names(rows: list[DataSetRow], chosen: list[DataSetRow]) -> list[DataSetRow]:
    """Return one training picture of every class and domain that no chosen row has."""
    labels, domains = ({row[name] for row in chosen} for name in ("label", "domain"))
    missing = []
    for row in sorted(rows, key=lambda row: (row["content"], row["location"])):
        is_missing = row["label"] not in labels or row["domain"] not in domains
        if row["split"] == "train" and is_missing:
            missing.append(row)
            labels.add(row["label"])
            domains.add(row["domain"])
    return missing


def _outside_window(
    rows: Iterable[DataSetRow], batches: list[Batch], options: RetrainOptions
) -> set[bytes]:
    """Return the folders of batches of the data set that are older than the newest of them.

    `retrain.window` is the number of the newest ones. A batch that was rolled back is in no data
    set, and does not count.
    """
    if options.window == "all":
        return set()
    folders = {batch_folder(row["location"]) for row in rows}
    pushed = (batch for batch in batches if batch.replaced_by is None and batch.version is not None)
    used = [folder for folder in map(batch_location, pushed) if folder in folders]
    return set(used[: max(0, len(used) - options.window)])
