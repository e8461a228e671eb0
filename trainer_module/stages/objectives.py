"""What training minimises where pictures come from several domains."""

from typing import Any

import tensorflow as tf

from trainer_module.training_options import ObjectiveOptions


class Objective(tf.Module):
    """Makes one number to minimise out of the losses of a batch.

    Under a distribution strategy it is called on every replica with that replica's rows. Keras
    optimizers sum gradients over replicas, and the sum of the returned numbers belongs to the
    whole batch.
    """

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, features: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """One replica's part of the objective.

        Args:
            losses: float32 [rows, ...]; further axes are heads that are trained side by side, and
                the objective is the sum of theirs.
            weights: how much each row counts, float32 [rows].
            features: what the heads see, floats [rows, dim].
            domains: domain ids, int32 [rows].

        Returns:
            float32 scalar.
        """
        raise NotImplementedError


class EmpiricalRisk(Objective):
    """The weighted mean of the losses: empirical risk minimisation, `erm` and `balanced`.

    "Principles of risk minimization for learning theory" (Vapnik, 1991). Weighted losses are
    divided by the number of rows, not by the weights of the batch: so every row has the same pull
    whichever rows it comes with. Replicas are taken to have equally many rows.
    """

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, features: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """See `Objective`; features and domains are not used."""
        losses = tf.cast(losses, tf.float32)
        rows = tf.cast(tf.shape(losses)[0] * _replicas(), tf.float32)
        return tf.reduce_sum(losses * _like(weights, losses)) / rows


class GroupDRO(Objective):
    """The mean losses of the domains, the worst domain weighing most.

    Algorithm 1 of "Distributionally robust neural networks for group shifts" (Sagawa et al., 2020,
    arXiv 1911.08731), with domains as groups: each has a share q, which is multiplied by exp(step
    * mean loss) before every update, and the sum of shares times mean losses is minimised. A
    network that fits all training rows has no worst domain: the paper (section 3.2) needs a strong
    L2 penalty or early stopping for it.

    The paper draws all groups equally often. Here the rows come as they are, so only the domains
    in a batch share out anew what they have together, and the others keep their share. With all
    domains in the batch that is the paper's algorithm; a rare one does not lose for being absent.

    Attributes:
        shares: q, non-trainable float32 [domains, heads ...], made by the first call. Losses of
            another shape need another objective.
    """

    def __init__(self, domains: int, step: float = 0.01) -> None:
        """Start with the same share for every domain.

        Args:
            domains: how many there are.
            step: eta in the paper: how fast shares follow the losses. The default is that of
                DomainBed (arXiv 2007.01434).
        """
        super().__init__()
        self.shares: Any = None
        self._domains = domains
        self._step = step

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, features: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """See `Objective`; moves the shares first. Features are not used.

        A domain's mean loss is weighted, over its rows on all replicas. Weights that are equal
        within domains change nothing.
        """
        losses = tf.cast(losses, tf.float32)
        member = tf.one_hot(domains, self._domains, axis=0)  # [domains, rows]
        own = tf.tensordot(member, losses * _like(weights, losses), 1)  # [domains, heads ...]
        totals = tf.linalg.matvec(member, weights)
        sums, totals = _over_replicas([tf.stop_gradient(own), totals])
        totals = _like(totals, sums)
        shares = self._move(tf.math.divide_no_nan(sums, totals), totals > 0)
        return tf.reduce_sum(shares * tf.math.divide_no_nan(own, totals))

    def _move(self, means: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """New shares, from mean losses [domains, heads ...] and bools [domains, 1 ...]."""
        self._make_shares(means.shape)
        old = tf.convert_to_tensor(self.shares)
        # The largest loss is taken off: it cancels out, and large losses do not overflow.
        growth = tf.exp(self._step * (means - tf.reduce_max(means, axis=0)))
        grown = tf.where(present, old * growth, 0.0)
        left = 1 - tf.reduce_sum(tf.where(present, 0.0, old), axis=0)
        new = grown * tf.math.divide_no_nan(left, tf.reduce_sum(grown, axis=0))
        shares = tf.where(present, new, old)
        self.shares.assign(shares)
        return shares

    def _make_shares(self, shape: tf.TensorShape) -> None:
        if self.shares is None:
            with tf.init_scope():  # outside of the function that is being traced
                self.shares = tf.Variable(
                    tf.ones(shape) / self._domains,
                    trainable=False,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                    name="shares",
                )


class Coral(Objective):
    """Empirical risk plus how far apart the features of different domains are.

    "Deep CORAL" (Sun and Saenko, 2016, arXiv 1607.01719) pulls the covariances of two domains
    together. This is the form for several training domains of "In search of lost domain
    generalization" (Gulrajani and Lopez-Paz, 2021, arXiv 2007.01434), see `domain_distance`. The
    distance is that within each replica's rows, averaged over replicas. It does not depend on the
    heads, so heads on frozen features learn the same as with `EmpiricalRisk`.
    """

    def __init__(self, domains: int, weight: float = 1.0) -> None:
        """Configure the penalty.

        Args:
            domains: how many there are.
            weight: of the distance; the default is DomainBed's. More makes features more alike,
                and in the end useless.
        """
        super().__init__()
        self._domains = domains
        self._weight = weight
        self._risk = EmpiricalRisk()

    def __call__(
        self, losses: tf.Tensor, weights: tf.Tensor, features: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        """See `Objective`; the penalty is added once, and takes no note of weights."""
        distance = domain_distance(features, domains, self._domains)
        risk = self._risk(losses, weights, features, domains)
        return risk + self._weight * distance / _replicas()


def domain_distance(features: tf.Tensor, domains: tf.Tensor, count: int) -> tf.Tensor:
    """How far apart the features of domains are: 0 if means and covariances are the same.

    Mean over pairs of domains of the mean squared difference of feature means plus that of
    covariances (squared Frobenius norm / dim^2). That is DomainBed's distance, to which the default
    weight and published results for several domains belong. Deep CORAL has no means and divides by
    4 dim^2: a domain that only shifts all features would go unnoticed. Domains with fewer than two
    rows are left out; without a pair the distance is 0.

    No covariance is built. The mean squared distance of pairs is twice the variance, and the inner
    product of two rows' parts of covariances is the square of that of the rows: time grows with
    rows^2 * dim rather than domains * rows * dim^2.

    Args:
        features: floats [rows, dim]; the work is done in float32.
        domains: domain ids, int32 [rows].
        count: of domains.

    Returns:
        float32 scalar.
    """
    features = tf.cast(features, tf.float32)
    member = tf.one_hot(domains, count, axis=0)  # [domains, rows]
    rows = tf.reduce_sum(member, axis=1, keepdims=True)
    usable = tf.cast(rows >= 2, tf.float32)
    usable_count = tf.reduce_sum(usable)

    def spread(values: tf.Tensor) -> tf.Tensor:
        """What each usable domain has beyond the mean of the usable ones; 0 for the others."""
        total = tf.reduce_sum(usable * values, axis=0)
        return usable * (values - tf.math.divide_no_nan(total, usable_count))

    means = tf.math.divide_no_nan(member @ features, rows)
    centred = features - tf.matmul(member, means, transpose_a=True)
    products = tf.square(tf.matmul(centred, centred, transpose_b=True))  # [rows, rows]
    shares = spread(tf.math.divide_no_nan(member, rows - 1))  # of rows in covariances
    dim = tf.cast(tf.shape(features)[1], tf.float32)
    of_means = tf.reduce_sum(tf.square(spread(means))) / dim
    of_covariances = tf.reduce_sum((shares @ products) * shares) / tf.square(dim)
    return tf.math.divide_no_nan(2 * (of_means + of_covariances), usable_count - 1)


def create_objective(options: ObjectiveOptions, domains: int) -> Objective:
    """The objective of a configuration; make a new one for every training.

    `balanced` is empirical risk, too: what makes it so are its weights, see
    `weighting.balance_of`.

    Args:
        options: name and parameters.
        domains: number of training domains; their ids are below it.
    """
    if options.name == "group_dro":
        return GroupDRO(domains, options.group_dro_step)
    if options.name == "coral":
        return Coral(domains, options.coral_weight)
    return EmpiricalRisk()


def _replicas() -> int:
    """How many replicas call the objective; 1 outside of `strategy.run`."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _over_replicas(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors) if context else tensors


def _like(vector: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    """The vector with as many axes as the tensor, to be multiplied along the first one."""
    return tf.reshape(vector, [-1, *[1] * (len(tensor.shape) - 1)])
