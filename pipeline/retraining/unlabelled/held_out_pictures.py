"""Which unlabelled pictures are trained on, and which are kept so that their labels can test."""

from collections.abc import Collection, Iterable, Iterator

from components.image_example_gen.splits import assign_split, name_digest
from pipeline.config.run_config import RunConfig, SplitOptions
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.known_pictures import most_held_out
from pipeline.retraining.pictures.listing_rows import ListingRows, add_groups, known_digest
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from trainer_module.contract.listing_row import ListingRow

#: Unlabelled pictures of one retraining, at most. The semi-supervised stage draws about as many.
MAX_UNLABELLED = 8000


def held_out_rows(
    rows: Iterable[BatchRow],
    listing: ListingRows,
    split: SplitOptions,
    listed: Iterable[ListingRow] = (),
) -> Iterator[BatchRow]:
    """Yield the usable rows that would not be in `train` if they had a label.

    The hash of a picture or of its group decides, or the split that is known of the group or named
    by the delivery, so it is the same in every retraining.

    Args:
        rows: Rows of new pictures.
        listing: Splits and groups of the serving version.
        split: Shares of the splits.
        listed: Rows of a listing; no picture whose group has another split than `train` there would
            be in `train`.
    """
    known = listing.known.group_splits(listing.by_stem)
    of_listed: dict[bytes, set[str]] = {}
    add_groups(of_listed, listed)
    for row in rows:
        if not is_usable(row):
            continue
        group = listing.group(row)
        given = {row["split"]} if "split" in row else set()
        if digest := known_digest(group, known):
            given |= known[digest]
        if not given:
            own = name_digest(group) if group is not None else content_of(row)
            given.add(assign_split(own, split.eval, split.test))
        if digest := known_digest(group, of_listed):
            given |= of_listed[digest]
        if given != {"train"}:
            yield row


def rows_to_test_with(rows: Iterable[BatchRow], listing: ListingRows) -> Iterator[BatchRow]:
    """Yield the rows of `held_out_rows` that are in `test` where labels decide.

    A picture of a group that the serving version has in eval stays in eval, also with a label.

    Args:
        rows: Rows of pictures that are not trained on.
        listing: Splits and groups of the serving version.
    """
    known = listing.known.group_splits(listing.by_stem)
    for row in rows:
        digest = known_digest(listing.group(row), known)
        if digest is None or most_held_out(known[digest]) == "test":
            yield row


def trained_rows(
    rows: Iterable[BatchRow],
    listed: Collection[ListingRow],
    listing: ListingRows,
    unverified: Collection[str],
    config: RunConfig,
) -> list[BatchRow]:
    """Return the unlabelled pictures to train on: those that are not held out.

    In a domain without any label, nothing shows where the training goes wrong: its pictures take
    part where labels decide on the candidate. Of very many pictures, the digests of the files
    decide which take part.

    Args:
        rows: Rows of new pictures; labelled and unusable ones are left out.
        listed: Rows of the listing of the retraining.
        listing: Splits and groups of the serving version.
        unverified: Domains without any label that are trained on.
        config: Configuration of the run.

    Returns:
        Rows in the order of the digests; none where there are fewer than `retrain.min_pictures`.
    """
    options = config.retrain
    if options.unlabelled == "off":
        return []
    labelled = {row["domain"] for row in listed if row["label"]}
    domains = labelled | listing.known.domains | set(unverified)
    unlabelled = [
        row for row in rows if is_usable(row) and not row["label"] and row["domain"] in domains
    ]
    held_out = {row["path"] for row in held_out_rows(unlabelled, listing, config.split, listed)}
    trained = [row for row in unlabelled if row["path"] not in held_out]
    if len(trained) < options.min_pictures:
        return []
    return sorted(trained, key=lambda row: (row["sha256"], row["path"]))[:MAX_UNLABELLED]
