"""Options and metrics of a run by flat names."""

from served_versions import SECRET
from tiny_summary import domain, summary

from pipeline.config.config_file import load_config
from pipeline.publishing.run_figures import run_metrics, run_options


def test_options_have_dotted_keys_and_no_credentials():
    overrides = ["fine_tuning.epochs=7", "publish.mlflow=http://mlflow:5000", "slices=[scanner]"]
    config = load_config(None, overrides, {"data": f"s3://me:{SECRET}@host/p"})
    options = run_options(config.model_dump(mode="json"))
    assert options["fine_tuning.epochs"] == 7
    assert options["data"] == "s3://me:(masked)@host/p"
    assert options["slices"] == "[['scanner']]"
    assert options["retrain.epochs"] == 6
    assert "retrain.inbox" not in options
    groups = {key.split(".")[0] for key in options}
    assert groups.isdisjoint({"workspace", "publish", "notify", "kubeflow", "beam"})


def test_metrics_are_those_of_every_domain_and_of_all():
    metrics = run_metrics(summary(domains={"day": domain(0.9, 0.8), "night": domain(0.7)}))
    assert metrics["accuracy/day"] == 0.9
    assert metrics["baseline_accuracy/day"] == 0.8
    assert "baseline_accuracy/night" not in metrics
    assert metrics["images/train"] == 1400
    assert metrics["seconds/total"] > 0


def test_a_failed_run_has_times_alone():
    failed = summary(status="failed", domains={}, images=None, mean_domain_accuracy=None)
    assert {name.split("/")[0] for name in run_metrics(failed)} == {"seconds"}
