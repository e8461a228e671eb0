"""A training job; run as a program, the chief of it. The first argument is the shared folder."""

import sys

from trainer_module.multi_worker.multi_worker import JOB_FOLDER, TrainingJob, train_as_chief
from trainer_module.training_options import TrainingOptions

JOB = TrainingJob(
    job_id="one",
    train_files=["train"],
    eval_files=["eval"],
    base_model=None,
    custom_config={"training": TrainingOptions(image_size=32).model_dump(mode="json")},
    serving_model_dir="model",
    model_run_dir="run",
)

if __name__ == "__main__":
    config = {**JOB.custom_config, JOB_FOLDER: sys.argv[1]}
    train_as_chief(JOB.model_copy(update={"custom_config": config}))
