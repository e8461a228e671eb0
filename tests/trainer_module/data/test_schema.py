"""The schema of an example, in its two environments."""

from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tiny_data import pictures

from trainer_module import data
from trainer_module.contract import example_features

pytestmark = pytest.mark.component


def anomalies(frame: pd.DataFrame, environment: str) -> dict[str, str]:
    """Feature -> what is wrong with it."""
    text = Path(data.__file__).with_name("schema.pbtxt").read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    statistics = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
    found = tfdv.validate_statistics(statistics, schema, environment=environment)
    return {name: anomaly.short_description for name, anomaly in found.anomaly_info.items()}


@pytest.fixture(name="frame")
def _frame() -> pd.DataFrame:
    return pd.DataFrame(pictures("day", "cat", "train", 4))[list(example_features.STATISTICS)]


def test_pictures_to_train_on_need_a_domain_and_a_label(frame):
    assert anomalies(frame, "TRAINING") == {}
    assert anomalies(frame.drop(columns=["domain", "label"]), "TRAINING") == {
        "domain": "Column dropped",
        "label": "Column dropped",
    }


def test_pictures_to_serve_come_without(frame):
    assert anomalies(frame.drop(columns=["domain", "label"]), "SERVING") == {}
    assert sorted(anomalies(frame, "SERVING")) == ["domain", "label"]


@pytest.mark.parametrize("feature", example_features.MEASURES)
def test_a_measure_that_is_no_number_is_an_anomaly(frame, feature):
    frame.loc[0, feature] = float("nan")
    assert list(anomalies(frame, "TRAINING")) == [feature]
