"""Objectives that training minimises on pictures from several domains."""

from typing import Any

import tensorflow as tf

from trainer_module.training_options import ObjectiveOptions


class Objective(tf.Module):
    """Function that reduces the losses of a batch to one scalar to minimise.

    Under a distribution strategy it is called on every replica with the rows of that replica. The
    scalars of all replicas add up to the objective of the whole batch, because Keras optimizers
    sum gradients over replicas.
    """

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, embeddings: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """Return the objective of one replica's rows.

        Args:
            losses: Losses, float32 [rows, ...]. Further axes are heads that are trained side by
                side; the objective is the sum over heads.
            weights: Weight of each row, float32 [rows].
            embeddings: Inputs of the heads, floats [rows, dim].
            domains: Domain IDs, int32 [rows].

        Returns:
            float32 scalar.
        """
        raise NotImplementedError


class EmpiricalRisk(Objective):
    """Weighted mean of the losses: empirical risk minimisation, `erm` and `balanced`.

    "Principles of risk minimization for learning theory" (Vapnik, 1991). The sum of weighted
    losses is divided by the number of rows, not by the sum of the weights in the batch, so the
    gradient of a row does not depend on the other rows of its batch. All replicas must have the
    same number of rows.
    """

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, embeddings: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """Return the objective, see `Objective`; embeddings and domains are not used."""
        losses = tf.cast(losses, tf.float32)
        rows = tf.cast(tf.shape(losses)[0] * _replicas(), tf.float32)
        return tf.reduce_sum(losses * _expand_like(weights, losses)) / rows


class GroupDRO(Objective):
    """Sum of the domains' mean losses, in which the worst domain gets the largest weight.

    Algorithm 1 of "Distributionally robust neural networks for group shifts" (Sagawa et al., 2020,
    arXiv 1911.08731), with domains as groups. Each domain has a weight q, here called its share,
    which is multiplied by exp(step * mean loss) before every update. The sum of shares times mean
    losses is minimised. If the network fits all training rows, no domain is the worst one: the
    paper (section 3.2) needs a strong L2 penalty or early stopping.

    The paper draws all groups equally often. Here batches are drawn from all rows, so only the
    domains in a batch redistribute their shares among themselves; absent domains keep theirs. If
    all domains are in the batch, this is the paper's algorithm. A rare domain does not lose share
    because it is absent.

    Attributes:
        shares: Shares q, non-trainable float32 [domains, heads ...], created by the first call.
            Losses of another shape need another objective.
    """

    def __init__(self, domains: int, step: float = 0.01) -> None:
        """Start with equal shares.

        Args:
            domains: Number of domains.
            step: Step size of the shares, eta in the paper. The default is that of DomainBed
                (arXiv 2007.01434).
        """
        super().__init__()
        self.shares: Any = None
        self._domains = domains
        self._step = step

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, embeddings: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """Update the shares, then return the objective, see `Objective`.

        The mean loss of a domain is weighted and covers its rows on all replicas. Weights that
        are equal within each domain have no effect. Embeddings are not used.
        """
        losses = tf.cast(losses, tf.float32)
        member = tf.one_hot(domains, self._domains, axis=0)  # [domains, rows]
        weighted = losses * _expand_like(weights, losses)
        own = tf.tensordot(member, weighted, 1)  # [domains, heads ...]
        totals = tf.linalg.matvec(member, weights)
        sums, totals = _sum_over_replicas([tf.stop_gradient(own), totals])
        totals = _expand_like(totals, sums)
        shares = self._update_shares(tf.math.divide_no_nan(sums, totals), totals > 0)
        return tf.reduce_sum(shares * tf.math.divide_no_nan(own, totals))

    def _update_shares(self, means: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Return new shares, from mean losses [domains, heads ...] and bools [domains, 1 ...]."""
        self._create_shares(means.shape)
        old = tf.convert_to_tensor(self.shares)
        # Subtracting the largest loss changes nothing but avoids an overflow.
        growth = tf.exp(self._step * (means - tf.reduce_max(means, axis=0)))
        grown = tf.where(present, old * growth, 0.0)
        left = 1 - tf.reduce_sum(tf.where(present, 0.0, old), axis=0)
        new = grown * tf.math.divide_no_nan(left, tf.reduce_sum(grown, axis=0))
        shares = tf.where(present, new, old)
        self.shares.assign(shares)
        return shares

    def _create_shares(self, shape: tf.TensorShape) -> None:
        if self.shares is None:
            with tf.init_scope():  # outside the function that is being traced
                self.shares = tf.Variable(
                    tf.ones(shape) / self._domains,
                    trainable=False,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                    name="shares",
                )


class Coral(Objective):
    """Empirical risk plus a penalty for the distance between the embeddings of domains.

    "Deep CORAL" (Sun and Saenko, 2016, arXiv 1607.01719) aligns the covariances of two domains.
    This is the variant for several training domains in "In search of lost domain generalization"
    (Gulrajani and Lopez-Paz, 2021, arXiv 2007.01434), see `domain_distance`. The distance is
    computed on each replica's rows and averaged over replicas. It does not depend on the heads,
    so on a frozen backbone the heads learn the same as with `EmpiricalRisk`.
    """

    def __init__(self, domains: int, weight: float = 1.0) -> None:
        """Configure the penalty.

        Args:
            domains: Number of domains.
            weight: Weight of the distance; the default is that of DomainBed. A larger weight
                makes embeddings more similar; too large a weight makes them useless.
        """
        super().__init__()
        self._domains = domains
        self._weight = weight
        self._risk = EmpiricalRisk()

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, embeddings: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """Return the objective, see `Objective`; the penalty ignores weights and heads."""
        distance = domain_distance(embeddings, domains, self._domains)
        risk = self._risk(losses, weights, embeddings, domains)
        return risk + self._weight * distance / _replicas()


def domain_distance(embeddings: tf.Tensor, domains: tf.Tensor, count: int) -> tf.Tensor:
    """Return the distance between domains: 0 if their means and covariances are the same.

    The distance of a pair of domains is the mean squared difference of their mean embeddings plus
    that of their covariances (squared Frobenius norm / dim^2); the result is the mean over pairs.
    That is the distance of DomainBed, for which the default weight and the published results with
    several domains hold. Deep CORAL compares no means and divides by 4 dim^2, so it does not
    notice a domain that only shifts all embeddings. Domains with fewer than two rows are left
    out; without a pair the distance is 0.

    No covariance matrix is computed. The mean squared distance of pairs is twice the variance,
    and the inner product of two rows' outer products is the square of the rows' inner product.
    The time therefore grows with rows^2 * dim instead of domains * rows * dim^2.

    Args:
        embeddings: Embeddings, floats [rows, dim]; the distance is computed in float32.
        domains: Domain IDs, int32 [rows].
        count: Number of domains.

    Returns:
        float32 scalar.
    """
    embeddings = tf.cast(embeddings, tf.float32)
    member = tf.one_hot(domains, count, axis=0)  # [domains, rows]
    rows = tf.reduce_sum(member, axis=1, keepdims=True)
    usable = tf.cast(rows >= 2, tf.float32)
    usable_count = tf.reduce_sum(usable)

    def spread(values: tf.Tensor) -> tf.Tensor:
        """Return the difference from the mean of the usable domains; 0 for other domains."""
        total = tf.reduce_sum(usable * values, axis=0)
        return usable * (values - tf.math.divide_no_nan(total, usable_count))

    means = tf.math.divide_no_nan(member @ embeddings, rows)
    centred = embeddings - tf.matmul(member, means, transpose_a=True)
    products = tf.square(tf.matmul(centred, centred, transpose_b=True))  # [rows, rows]
    # Weight of every row in the covariance of its domain.
    row_weights = spread(tf.math.divide_no_nan(member, rows - 1))
    dim = tf.cast(tf.shape(embeddings)[1], tf.float32)
    mean_distance = tf.reduce_sum(tf.square(spread(means))) / dim
    covariance_distance = tf.reduce_sum((row_weights @ products) * row_weights) / tf.square(dim)
    return tf.math.divide_no_nan(2 * (mean_distance + covariance_distance), usable_count - 1)


def create_objective(options: ObjectiveOptions, domains: int) -> Objective:
    """Return the objective of a configuration; every training needs a new one.

    `balanced` is empirical risk with balanced row weights, see `weighting.effective_balance`.

    Args:
        options: Name and parameters of the objective.
        domains: Number of training domains; domain IDs are smaller.

    Example:
        >>> import numpy as np
        >>> from trainer_module.stages.objectives import create_objective
        >>> from trainer_module.training_options import ObjectiveOptions
        >>> objective = create_objective(ObjectiveOptions(name="group_dro"), domains=2)
        >>> losses = np.array([1.0, 1.0, 4.0], np.float32)
        >>> weights, embeddings = np.ones(3, np.float32), np.zeros((3, 8), np.float32)
        >>> value = objective(losses, weights, embeddings, np.array([0, 0, 1]))
        >>> round(float(value), 2)  # the mean of 1 and 4, and a bit more for the worse domain
        2.52
    """
    if options.name == "group_dro":
        return GroupDRO(domains, options.group_dro_step)
    if options.name == "coral":
        return Coral(domains, options.coral_weight)
    return EmpiricalRisk()


def _replicas() -> int:
    """Return the number of replicas that call the objective; 1 outside `strategy.run`."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _sum_over_replicas(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors) if context else tensors


def _expand_like(vector: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    """Return the vector with as many axes as the tensor, for products along the first axis."""
    return tf.reshape(vector, [-1, *[1] * (len(tensor.shape) - 1)])
