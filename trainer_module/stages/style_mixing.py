"""Mixing of the styles of pictures, so that a classifier relies less on that of a domain."""

import tensorflow as tf

#: Both parameters of the beta distribution of the shares, as in the paper: most are near 0 or 1.
CONCENTRATION = 0.1

#: Added to variances, as batch normalisation does.
EPSILON = 1e-5


def mix_styles(activations: tf.Tensor, probability: float) -> tf.Tensor:
    """Return activations with the style of each picture mixed with that of another one.

    MixStyle ("Domain generalization with MixStyle", Zhou et al., 2021, arXiv 2104.02008). The style
    of a picture is the mean and the deviation of each channel over its positions. Pictures of a
    batch are paired at random, and every pair has a share of its own.

    Args:
        activations: Activations of a batch, float32 [batch, ..., channels].
        probability: Probability that the batch is mixed, from 0 to 1.
    """
    positions = list(range(1, len(activations.shape) - 1))
    mean, variance = tf.nn.moments(activations, positions, keepdims=True)
    deviation = tf.sqrt(variance + EPSILON)
    others = tf.random.shuffle(tf.range(tf.shape(activations)[0]))
    share = _own_shares(tf.shape(mean)[:1], probability)
    share = tf.reshape(share, [-1, *[1] * (len(activations.shape) - 1)])
    mixed_mean = share * mean + (1 - share) * tf.gather(mean, others)
    mixed_deviation = share * deviation + (1 - share) * tf.gather(deviation, others)
    return (activations - mean) / deviation * mixed_deviation + mixed_mean


def _own_shares(shape: tf.Tensor, probability: float) -> tf.Tensor:
    """Return the share of its own style for each picture, float32; 1 for all of a batch as it is.

    A beta distribution is the ratio of two gamma distributions. They are computed as float64,
    because many numbers would be 0 as float32.
    """
    own, other = (tf.random.gamma(shape, CONCENTRATION, dtype=tf.float64) for _ in range(2))
    shares = tf.cast(own / (own + other), tf.float32)
    is_mixed = tf.random.uniform([]) < probability
    return tf.where(is_mixed, shares, tf.ones_like(shares))
