"""Reads TFDV's statistics: per split, over all pictures and for every domain."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from components.data_gate.statistics.distributions import Distribution, from_histogram
from trainer_module.contract import example_features

#: TFDV's names of what it computes: all pictures, and `domain_<name>` for a slice.
ALL_PICTURES = "All Examples"
SLICE = f"{example_features.DOMAIN}_"

FILE = "FeatureStats.pb"

#: The numbers whose distributions are compared.
NUMBERS = (*example_features.MEASURES, "width", "height", "num_bytes")


@dataclass(frozen=True)
class Slice:
    """What is known of some pictures.

    Attributes:
        count: pictures.
        numbers: distribution by name of the number, see `NUMBERS`.
        classes: pictures by class.
    """

    count: int
    numbers: dict[str, Distribution]
    classes: dict[str, int]


@dataclass(frozen=True)
class SplitStatistics:
    """What is known of a split.

    Attributes:
        overall: all of its pictures.
        domains: those of each domain that has some, by name.
    """

    overall: Slice
    domains: dict[str, Slice]


def read_split(statistics_uri: str, split: str) -> SplitStatistics:
    """Read the statistics of one split.

    Args:
        statistics_uri: of the `statistics` artifact.
        split: such as `train`.
    """
    return read_file(split_file(statistics_uri, split))


def read_file(path: str) -> SplitStatistics:
    """Read a file as StatisticsGen writes it with `statistics_options`.

    Raises:
        ValueError: it holds no slices per domain.
    """
    with fileio.open(path, "rb") as file:
        return _parse(statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()), path)


def split_file(statistics_uri: str, split: str) -> str:
    """Where StatisticsGen leaves the statistics of a split."""
    return f"{statistics_uri}/Split-{split}/{FILE}"


def _parse(statistics: statistics_pb2.DatasetFeatureStatisticsList, path: str) -> SplitStatistics:
    # Engines of Beam leave the slices in different orders.
    domains = {
        dataset.name.removeprefix(SLICE): _slice(dataset)
        for dataset in sorted(statistics.datasets, key=lambda dataset: dataset.name)
        if dataset.name.startswith(SLICE)
    }
    overall = [dataset for dataset in statistics.datasets if dataset.name == ALL_PICTURES]
    if not overall:  # an empty split has one data set without a name
        return SplitStatistics(Slice(0, {}, {}), {})
    if not domains:
        raise ValueError(f"{path} has no slices. Give StatisticsGen `statistics_options()`.")
    return SplitStatistics(_slice(overall[0]), domains)


def _slice(dataset: statistics_pb2.DatasetFeatureStatistics) -> Slice:
    by_name = {feature.path.step[0]: feature for feature in dataset.features}
    histograms = {name: _quantiles(by_name[name].num_stats) for name in NUMBERS if name in by_name}
    return Slice(
        count=int(dataset.num_examples),
        numbers={name: from_histogram(found) for name, found in histograms.items() if found},
        classes=_counts(by_name[example_features.LABEL])
        if example_features.LABEL in by_name
        else {},
    )


def _quantiles(numbers: statistics_pb2.NumericStatistics) -> statistics_pb2.Histogram | None:
    """The histogram of equally filled buckets; None where no value is a number."""
    kind = statistics_pb2.Histogram.QUANTILES
    found = (histogram for histogram in numbers.histograms if histogram.type == kind)
    return next((one for one in found if any(row.sample_count for row in one.buckets)), None)


def _counts(labels: statistics_pb2.FeatureNameStatistics) -> dict[str, int]:
    buckets = labels.string_stats.rank_histogram.buckets
    return {bucket.label: int(bucket.sample_count) for bucket in buckets}
