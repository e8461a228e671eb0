"""The pictures whose labels decide on a candidate, and their folder for `carryover label`."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.inputs.picture_columns import picture_columns
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.batch_store import BatchRow

#: Pictures of a domain to label. With 100 labels, a gain of 10 points is noticed most of the time.
PER_DOMAIN = 100

#: Pictures that are looked at for every one that is chosen: some look like another one.
LOOKED_AT = 4

#: Seed of the choice.
SEED = 17


def write_pictures_to_label(
    testing: Mapping[str, list[BatchRow]],
    count: int,
    at_least: int,
    root: Path,
    model: Path,
    folder: Path,
) -> dict[str, tuple[str, ...]]:
    """Choose pictures of every domain, and copy them to a folder, unless it is there.

    They are drawn at random: a sample that the model is unsure of would show another accuracy than
    that of the domain. Of pictures that look alike, one is chosen, unless too few are left then, as
    of the frames of a fixed camera.

    Args:
        testing: Unlabelled pictures whose labels can test, by domain.
        count: Number of pictures to choose in each domain; all where there are fewer.
        at_least: Number of pictures of a domain whose labels decide.
        root: Folder that paths are relative to.
        model: Folder of the serving version, whose predictions are proposals.
        folder: Folder to write. Below it are `<domain>/_to_label/<picture>`.

    Returns:
        Names of the chosen pictures in their delivery, by domain.
    """
    from pipeline.picture_selection.output_draft import draft_of
    from pipeline.picture_selection.picture_features import read_features
    from pipeline.picture_selection.selection import select_pictures
    from pipeline.picture_selection.selection_files import write_selection
    from trainer_module.export.model_description import read_description

    choices = []
    for domain, rows in testing.items():
        pictures = [
            UnlabelledPicture(
                str(root / row["path"]), row["name"], domain, columns=picture_columns(row)
            )
            # In the order of their hashes, which is no order of what they show.
            for row in sorted(rows, key=lambda row: row["sha256"])[: LOOKED_AT * count]
        ]
        features = read_features(pictures, model, frozenset())
        choices += select_pictures(features, count, SEED, 1, at_least).choices
    if not folder.exists():
        labels = read_description(str(model))["labels"]
        name = f"{model.parent.name} {model.name}"
        with draft_of(folder) as draft:
            write_selection(choices, labels, name, draft, folder)
    return {
        domain: tuple(one.picture.name for one in choices if one.picture.domain == domain)
        for domain in testing
    }
