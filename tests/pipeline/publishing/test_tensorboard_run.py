"""The events of a run are those that the HParams page of TensorBoard reads."""

import pytest
from served_versions import SECRET, write_run

from pipeline.publishing.tensorboard_run import write_tensorboard_run

pytestmark = pytest.mark.component


def test_tensorboard_shows_options_and_metrics(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    folder = write_run(tmp_path)
    for _ in range(2):  # the second call replaces the events of the first
        events = EventAccumulator(str(write_tensorboard_run(folder)))
    events.Reload()
    assert {"accuracy/day", "mean_domain_accuracy", "seconds/total"} <= set(
        events.Tags()["tensors"]
    )
    assert len(events.Tensors("accuracy/day")) == 1
    data = events.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG]
    options = metadata.parse_session_start_info_plugin_data(data).hparams
    assert options["name"].string_value == "pets"
    assert SECRET not in str(options)
