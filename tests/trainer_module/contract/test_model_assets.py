"""Names on disk: old workspaces hold them, so they never change."""

from trainer_module.contract import model_assets


def test_the_names_on_disk_are_those_of_earlier_versions():
    named = {name: value for name, value in vars(model_assets).items() if name.isupper()}
    assert named == {
        "EXTRA": "assets.extra",
        "DESCRIPTION": "assets.extra/model.json",
        "ARCHITECTURE": "assets.extra/architecture.json",
        "WEIGHTS": "assets.extra/classifier.weights.h5",
        "REFERENCE": "assets.extra/reference.npz",
        "NOVELTY": "assets.extra/novelty.npz",
        "LABEL_ISSUES": "assets.extra/label_issues.npz",
        "WARMUP_REQUESTS": "assets.extra/tf_serving_warmup_requests",
        "OUT_OF_FOLD": "assets.extra/out_of_fold.npz",
        "FOLD_MODELS": "assets.extra/fold_models.npz",
        "ROLLBACK_RECORD": "assets.extra/rollback.json",
        "FORGOTTEN_ROWS": "assets.extra/forgotten.json",
        "PUSH_RECORD": "assets.extra/push.json",
        "PICTURES": "assets.extra/pictures.parquet",
        "STATISTICS": "assets.extra/statistics",
        "TEST_PREDICTIONS": "assets.extra/test_predictions.parquet",
    }
