"""What StatisticsGen must compute for the data gate."""

import tensorflow_data_validation as tfdv
from tfx_bsl.public.proto import slicing_spec_pb2

from trainer_module.contract import example_features

#: Quantiles kept of every number. More than the cells that distributions are compared on, so that
#: cells can be cut where two distributions need it; measured in `distributions`.
QUANTILES = 20

#: Classes whose counts are kept, of every domain. Beyond them classes would seem to vanish.
CLASSES = 100_000


def statistics_options() -> tfdv.StatsOptions:
    """All pictures of a split, and every domain by itself; never the pixels."""
    by_domain = slicing_spec_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN])
    return tfdv.StatsOptions(
        feature_allowlist=list(example_features.STATISTICS),
        slicing_config=slicing_spec_pb2.SlicingConfig(slicing_specs=[by_domain]),
        num_quantiles_histogram_buckets=QUANTILES,
        num_rank_histogram_buckets=CLASSES,
    )
