"""TFDV's statistics of a split: over all its pictures and for every domain."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from components.data_gate.statistics.distributions import Distribution, from_histogram
from trainer_module.contract import example_features

#: TFDV's names of data sets: all pictures, and `domain_<name>` for a slice.
ALL_PICTURES = "All Examples"
SLICE_PREFIX = f"{example_features.DOMAIN}_"

#: File of the statistics of one split.
STATISTICS_FILE = "FeatureStats.pb"

#: Features whose distributions are compared.
NUMERIC_FEATURES = (*example_features.MEASURES, "width", "height", "num_bytes")


@dataclass(frozen=True)
class PictureStatistics:
    """Statistics of a group of pictures.

    Attributes:
        count: Number of pictures.
        numeric: Name of a feature in `NUMERIC_FEATURES` -> its distribution.
        classes: Class -> number of pictures.
    """

    count: int
    numeric: dict[str, Distribution]
    classes: dict[str, int]


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of a split.

    Attributes:
        overall: Statistics of all its pictures.
        domains: Domain -> statistics; without domains that have no pictures in the split.
    """

    overall: PictureStatistics
    domains: dict[str, PictureStatistics]


def read_split(statistics_uri: str, split: str) -> SplitStatistics:
    """Read the statistics of one split.

    Args:
        statistics_uri: URI of the `statistics` artifact.
        split: Name of the split, such as `train`.

    Raises:
        ValueError: See `read_statistics`.
    """
    return read_statistics(split_file(statistics_uri, split))


def read_statistics(path: str) -> SplitStatistics:
    """Read a file as StatisticsGen writes it with `statistics_options`.

    Args:
        path: Path or URI of the file.

    Raises:
        ValueError: The file holds no slices per domain.
    """
    with fileio.open(path, "rb") as file:
        return _parse(statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()), path)


def split_file(statistics_uri: str, split: str) -> str:
    """Return the URI of the file to which StatisticsGen writes the statistics of a split."""
    return f"{statistics_uri}/Split-{split}/{STATISTICS_FILE}"


def _parse(statistics: statistics_pb2.DatasetFeatureStatisticsList, path: str) -> SplitStatistics:
    # Beam runners leave the slices in different orders.
    domains = {
        dataset.name.removeprefix(SLICE_PREFIX): _picture_statistics(dataset)
        for dataset in sorted(statistics.datasets, key=lambda dataset: dataset.name)
        if dataset.name.startswith(SLICE_PREFIX)
    }
    overall = [dataset for dataset in statistics.datasets if dataset.name == ALL_PICTURES]
    if not overall:  # an empty split has one data set without a name
        return SplitStatistics(PictureStatistics(0, {}, {}), {})
    if not domains:
        raise ValueError(f"{path} has no slices. Give StatisticsGen `statistics_options()`.")
    return SplitStatistics(_picture_statistics(overall[0]), domains)


def _picture_statistics(dataset: statistics_pb2.DatasetFeatureStatistics) -> PictureStatistics:
    features = {feature.path.step[0]: feature for feature in dataset.features}
    histograms = {
        name: _quantiles(features[name].num_stats) for name in NUMERIC_FEATURES if name in features
    }
    label = features.get(example_features.LABEL)
    return PictureStatistics(
        count=int(dataset.num_examples),
        numeric={name: from_histogram(found) for name, found in histograms.items() if found},
        classes=_class_counts(label) if label is not None else {},
    )


def _quantiles(numbers: statistics_pb2.NumericStatistics) -> statistics_pb2.Histogram | None:
    """The histogram of equally filled buckets; None where no value is a number."""
    kind = statistics_pb2.Histogram.QUANTILES
    found = (histogram for histogram in numbers.histograms if histogram.type == kind)
    return next((one for one in found if any(row.sample_count for row in one.buckets)), None)


def _class_counts(labels: statistics_pb2.FeatureNameStatistics) -> dict[str, int]:
    buckets = labels.string_stats.rank_histogram.buckets
    return {bucket.label: int(bucket.sample_count) for bucket in buckets}
