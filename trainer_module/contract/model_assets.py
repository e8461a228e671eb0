"""Names of the files that are kept with a SavedModel, relative to its folder.

TensorFlow Serving ignores `assets.extra`, so it holds what the next run has to know about a
serving version.
"""

#: Folder of all files below.
EXTRA = "assets.extra"

#: Labels, backbone, image size, temperature and training report, JSON. Written by the Trainer.
DESCRIPTION = f"{EXTRA}/model.json"

#: Weights of backbone and head, Keras HDF5. Written by the Trainer.
WEIGHTS = f"{EXTRA}/classifier.weights.h5"

#: Architecture of a backbone that was read from files, JSON. Written by the Trainer.
ARCHITECTURE = f"{EXTRA}/architecture.json"

#: Sample of the embeddings of every domain, NumPy. Written by the Trainer.
REFERENCE = f"{EXTRA}/reference.npz"

#: Means of embeddings of the training pictures, and usual distances, NumPy. Written by the Trainer.
NOVELTY = f"{EXTRA}/novelty.npz"

#: Training pictures that may be mislabelled, NumPy. Written by the Trainer.
LABEL_ISSUES = f"{EXTRA}/label_issues.npz"

#: Predictions for cross-fitted pictures, NumPy. Written by the Trainer.
OUT_OF_FOLD = f"{EXTRA}/out_of_fold.npz"

#: Weights of the fold models, NumPy. Written by the Trainer.
FOLD_MODELS = f"{EXTRA}/fold_models.npz"

#: Requests to send before those of clients, TFRecord. Written by the Trainer, under the name that
#: TensorFlow Serving reads.
WARMUP_REQUESTS = f"{EXTRA}/tf_serving_warmup_requests"

#: Record of the push, JSON. Written by the Pusher.
PUSH_RECORD = f"{EXTRA}/push.json"

#: Record of the rollback, JSON. Written by `carryover rollback`.
ROLLBACK_RECORD = f"{EXTRA}/rollback.json"

#: List of the pictures that the version was made from, Parquet. Written by the Pusher.
PICTURES = f"{EXTRA}/pictures.parquet"

#: Folder of the statistics of the training split. Written by the Pusher.
STATISTICS = f"{EXTRA}/statistics"

#: Predictions for the test pictures, Parquet. Written by the Pusher.
TEST_PREDICTIONS = f"{EXTRA}/test_predictions.parquet"

#: Names of the files from which `carryover forget` has removed rows, JSON.
FORGOTTEN_ROWS = f"{EXTRA}/forgotten.json"
