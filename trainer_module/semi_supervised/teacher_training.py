"""Training on labelled and unlabelled pictures, with a moving average of the weights as teacher."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.special import softmax

from trainer_module.activations.activations import Activations
from trainer_module.activations.inference import predict
from trainer_module.classifier import Classifier
from trainer_module.data.training_batches import training_batches
from trainer_module.data.weighting import number_names
from trainer_module.semi_supervised.pseudo_labels import PseudoLabels, select_pseudo_labels
from trainer_module.stages.fine_tuning_stage import Weights, assign_weights, trainable_weights
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.training_step import create_step
from trainer_module.training_task import TrainingTask

#: Number of times that the pseudo-labels are renewed, and the largest number of steps in between.
ROUNDS, MAX_STEPS = 5, 24

#: Decay of the moving average of the weights per step: the teacher.
DECAY = 0.96

#: Share of new pictures among the labelled ones. The unlabelled ones are new, too: a larger share
#: makes the known domains worse.
NEW_SHARE = 0.25


class TeacherTraining:
    """Trains the blocks above the boundary in rounds, and keeps the moving average of the weights.

    Attributes:
        task: Task of the training.
    """

    def __init__(
        self,
        trained_part: keras.Model,
        classifier: Classifier,
        boundary: str,
        train: Activations,
        unlabelled: Activations,
        task: TrainingTask,
    ) -> None:
        """Prepare the training step and the labelled batches.

        Args:
            trained_part: Model of activations that returns embeddings and logits.
            classifier: Classifier to which the trained part belongs.
            boundary: Last block that stays frozen, or `INPUT`.
            train: Activations of the train split, with views.
            unlabelled: Activations of unlabelled pictures; the views after the first are strong.
            task: Task of the training.
        """
        self.task = task
        self._trained_part = trained_part
        self._unlabelled = unlabelled
        self._batch_size = task.options.fine_tuning.batch_size
        self._steps = min(MAX_STEPS, -(-len(unlabelled) // self._batch_size))
        domain_ids = number_names(np.concatenate([train.domains, unlabelled.domains]))
        new_pictures = replace(task.new_pictures, share=NEW_SHARE)
        self._unlabelled_domains = domain_ids[len(train) :]
        self._labelled = task.hardware.strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                train.views,
                train.rows,
                (class_ids(train.labels, classifier.labels), domain_ids[: len(train)]),
                train.weights(replace(task, new_pictures=new_pictures)),
                count=self._steps * self._batch_size,
                batch_size=self._batch_size,
                seed=task.options.seed,
                view_counts=train.view_counts,
                random_views=train.random_views,
                context=context,
            )
        )
        with task.hardware.strategy.scope():
            self._averages = [
                tf.Variable(
                    keras.ops.convert_to_numpy(variable),
                    trainable=False,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                )
                for variable in trained_part.trainable_variables
            ]
        self._train_step = self._create_step(classifier, boundary, int(domain_ids.max()) + 1)
        self._predict_logits = tf.function(
            lambda batch: trained_part(tf.cast(batch, tf.float32), training=False)[1],
            reduce_retracing=True,
        )

    def teacher(self) -> Weights:
        """Return the moving average of the weights."""
        return [average.numpy() for average in self._averages]

    @contextlib.contextmanager
    def teacher_weights(self) -> Iterator[None]:
        """Use the teacher in a block, and restore the weights of the training afterwards."""
        own = trainable_weights(self._trained_part)
        assign_weights(self._trained_part, self.teacher())
        yield
        assign_weights(self._trained_part, own)

    def predict_labels(self) -> PseudoLabels:
        """Return the pseudo-labels that the teacher gives the unlabelled pictures."""
        with self.teacher_weights():
            logits = predict(
                self._predict_logits,
                self._unlabelled.views[0],
                self._unlabelled.rows,
                self._trained_part.output[1].shape[-1],
                self.task,
            )
        return select_pseudo_labels(softmax(logits, axis=1))

    def train_round(self, number: int, labels: PseudoLabels) -> float:
        """Train the steps of one round, and return their mean loss.

        Args:
            number: Number of the round, which is part of the seed.
            labels: Pseudo-labels of the unlabelled pictures.
        """
        chosen = labels.weights > 0
        unlabelled = self.task.hardware.strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                # At the input, there is only the picture itself: `random_views` makes the others.
                self._unlabelled.views[1:] or self._unlabelled.views,
                self._unlabelled.rows[chosen],
                (labels.targets[chosen], self._unlabelled_domains[chosen]),
                labels.weights[chosen],
                count=self._steps * self._batch_size,
                batch_size=self._batch_size,
                seed=self.task.options.seed + number,
                view_counts=self._unlabelled.view_counts,
                random_views=self._unlabelled.random_views,
                context=context,
            )
        )
        losses = [
            float(self._train_step(*batches))
            for batches in zip(self._labelled, unlabelled, strict=True)
        ]
        return float(np.mean(losses))

    def _create_step(
        self, classifier: Classifier, boundary: str, domains: int
    ) -> Callable[..., tf.Tensor]:
        """Return a function of a labelled and an unlabelled batch that returns the loss."""
        steps, strategy = ROUNDS * self._steps, self.task.hardware.strategy
        train = create_step(self._trained_part, classifier, boundary, domains, steps, self.task)

        def train_replica(labelled: Any, unlabelled: Any) -> tf.Tensor:
            pairs = zip(labelled, unlabelled, strict=True)
            loss = train(*(tf.concat(pair, axis=0) for pair in pairs))
            variables = self._trained_part.trainable_variables
            for average, variable in zip(self._averages, variables, strict=True):
                average.assign(DECAY * average + (1 - DECAY) * variable.value)
            return loss

        @tf.function
        def step(labelled: Any, unlabelled: Any) -> tf.Tensor:
            losses = strategy.run(train_replica, args=(labelled, unlabelled))
            return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

        return step  # type: ignore[no-any-return]  # TensorFlow has no types
