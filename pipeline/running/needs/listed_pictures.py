"""The pictures of a listing in numbers: what the disk that a run needs depends on."""

import json
from dataclasses import dataclass
from pathlib import Path

from trainer_module.contract.listing_row import ListingRow

#: Rows that are looked at one by one, evenly spread over the listing.
SAMPLE_ROWS = 200


@dataclass(frozen=True)
class ListedPictures:
    """Usable rows of a listing, in numbers.

    Attributes:
        count: Number of rows.
        num_tested: Number of rows that are expected in the test split.
        file_bytes: Size of all files.
        name_bytes: Length of all paths, domains and labels.
        sample: At most about `SAMPLE_ROWS` of the rows.
    """

    count: int
    num_tested: float
    file_bytes: int
    name_bytes: int
    sample: list[ListingRow]

    @property
    def num_trained(self) -> float:
        """Number of rows that are expected in the train and eval splits."""
        return self.count - self.num_tested


def read_listing(
    path: Path, rows: int, test_share: float, max_file_bytes: int | None = None
) -> ListedPictures:
    """Read a listing once, row by row.

    Args:
        path: Path of the listing, see `pipeline.inputs.snapshot.Snapshot`.
        rows: Number of its rows.
        test_share: Expected share of the test split among rows without a split.
        max_file_bytes: Size above which a file is rejected.
    """
    step = max(1, rows // SAMPLE_ROWS)
    count, num_tested, file_bytes, name_bytes = 0, 0.0, 0, 0
    sample = []
    with path.open("rb") as file:
        for line in file:
            row: ListingRow = json.loads(line)
            size = row.get("bytes", 0)
            if "reason" in row or (max_file_bytes is not None and size > max_file_bytes):
                continue
            if count % step == 0:
                sample.append(row)
            count += 1
            file_bytes += size
            name_bytes += len(row["path"]) + len(row["domain"]) + len(row["label"])
            num_tested += _expected_in_test(row, test_share)
    return ListedPictures(count, num_tested, file_bytes, name_bytes, sample)


def _expected_in_test(row: ListingRow, test_share: float) -> float:
    if "split" in row:
        return float(row["split"] == "test")
    return 0.0 if "fold" in row else test_share
