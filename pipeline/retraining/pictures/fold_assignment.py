"""Assigns pictures of small domains to folds, so that all of them are tested by cross-fitting."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from components.image_example_gen.splits import name_digest
from components.pusher.data_set import DataSetRow
from pipeline.config.run_config import SplitOptions
from trainer_module.contract.listing_row import ListingRow
from trainer_module.cross_fitting.folds import NUM_FOLDS, Folds
from trainer_module.cross_fitting.out_of_fold import read_out_of_fold


def read_folds(model: Path, rows: Iterable[DataSetRow]) -> dict[bytes, int]:
    """Return the folds of the pictures that were cross-fitted for a version.

    Args:
        model: Folder of the version.
        rows: Rows of its data set.

    Returns:
        Digest of the file -> number of the fold.
    """
    predictions = read_out_of_fold(str(model))
    if predictions is None:
        return {}
    fold_of = dict(zip(predictions.image_ids.tolist(), predictions.folds.tolist(), strict=True))
    return {row["content"]: fold_of[row["location"]] for row in rows if row["location"] in fold_of}


def assign_folds(
    rows: Iterable[ListingRow],
    free: Mapping[str, bytes],
    known_groups: Iterable[bytes],
    options: SplitOptions,
) -> Folds:
    """Add folds to the rows of a listing, in place, and return them.

    A new picture gets a fold if its domain would have fewer test pictures than
    `split.cross_fit_below`, were all of its pictures split as usual. A picture that was
    cross-fitted for the serving version stays in its fold, until the domain has as many test
    pictures. The pictures of a group share a fold. Every fold gets equally many pictures of every
    class, as far as that is possible.

    Args:
        rows: Rows of the listing. Those of known pictures have a fold if the pictures were
            cross-fitted for the serving version.
        free: Path -> digest of the file, of every new picture with a label from a person.
        known_groups: Digests of the groups that the serving version knows. A new picture of such a
            group gets the fold of the group, or none: the serving version was trained on others
            like it.
        options: Options of the splits.
    """
    domains: dict[str, list[ListingRow]] = defaultdict(list)
    for row in rows:
        if row["label"] and "reason" not in row:
            domains[row["domain"]].append(row)
    known_groups = set(known_groups)
    of_new: dict[str, int] = {}
    of_known: dict[str, int] = {}
    for own in domains.values():
        new = [row for row in own if row["path"] in free and row.get("split") != "test"]
        earlier = [row for row in own if "fold" in row]
        tested = sum(row.get("split") == "test" for row in own)
        if tested + options.test * (len(new) + len(earlier)) < options.cross_fit_below:
            _assign(new, earlier, free, known_groups)
        elif tested + options.test * len(new) >= options.cross_fit_below:
            for row in earlier:
                del row["fold"]
        for row in own:
            if "fold" in row:
                (of_new if row["path"] in free else of_known)[row["path"]] = row["fold"]
    return Folds(new=of_new, known=of_known)


def _assign(
    new: list[ListingRow],
    earlier: list[ListingRow],
    free: Mapping[str, bytes],
    known_groups: set[bytes],
) -> None:
    """Add folds to the new pictures of a domain."""
    folds: dict[bytes, int] = {}
    of_class: Counter[tuple[int, str]] = Counter()
    sizes: Counter[int] = Counter()
    for row in earlier:
        folds[_group(row, free)] = row["fold"]
        of_class[row["fold"], row["label"]] += 1
        sizes[row["fold"]] += 1
    for row in sorted(new, key=lambda row: (row["label"], _group(row, free))):
        group = _group(row, free)
        if group not in folds:
            if group in known_groups:
                continue
            folds[group] = min(
                range(NUM_FOLDS),
                key=lambda fold: (of_class[fold, row["label"]], sizes[fold], fold),
            )
        row["fold"] = folds[group]
        of_class[row["fold"], row["label"]] += 1
        sizes[row["fold"]] += 1


def _group(row: ListingRow, free: Mapping[str, bytes]) -> bytes:
    """Return the digest of a picture's group; a new picture without a group is one by itself."""
    if "group" in row:
        return name_digest(row["group"])
    if "group_digest" in row:
        return bytes.fromhex(row["group_digest"])
    return free.get(row["path"], row["path"].encode("utf-8", "surrogateescape"))
