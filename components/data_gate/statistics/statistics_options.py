"""Options of StatisticsGen that the data gate needs."""

import tensorflow_data_validation as tfdv
from tfx_bsl.public.proto import slicing_spec_pb2

from trainer_module.contract import example_features

#: Quantiles of every numeric feature. More than the cells that distributions are compared on, so
#: that cells can be cut where two distributions need it; measured in `distributions`.
QUANTILES = 20

#: Classes that are counted in every domain. Further classes would seem to have vanished.
MAX_CLASSES = 100_000


def statistics_options() -> tfdv.StatsOptions:
    """Return options for statistics of a whole split and of each domain, without the pixels."""
    by_domain = slicing_spec_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN])
    return tfdv.StatsOptions(
        feature_allowlist=list(example_features.STATISTICS),
        slicing_config=slicing_spec_pb2.SlicingConfig(slicing_specs=[by_domain]),
        num_quantiles_histogram_buckets=QUANTILES,
        num_rank_histogram_buckets=MAX_CLASSES,
    )
