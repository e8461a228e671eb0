"""What a version in shadow has predicted, against the serving version."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

#: Most domains of clients that are told apart; pictures of others count as of no known domain.
MAX_DOMAINS = 50

#: Most pictures that are known again: the last ones that clients have sent.
MAX_SEEN = 10_000

#: What became of a shadow; "" while it lasts.
#: promoted: the version serves; over_limit: it contradicts the serving version too often;
#: failed: it cannot predict a picture that the serving version can; replaced: a newer version came;
#: withdrawn: it was rolled back or removed, or there is another serving version to compare it with.
Outcome = Literal["", "promoted", "over_limit", "failed", "replaced", "withdrawn"]


@dataclass
class PredictedPair:
    """Pictures of a domain for which the two versions predict these classes.

    Attributes:
        domain: Domain that the client names; "" if it is not known.
        label: Class that the serving version predicts.
        shadow_label: Class that the version in shadow predicts.
        pictures: Number of such pictures.
        confident: Number of those for which the serving version is confident.
        high_confidence: Number of those to which it gives a high confidence. It counts where the
            version is confident of no picture at all, as one that accepts none.
    """

    domain: str
    label: str
    shadow_label: str
    pictures: int = 0
    confident: int = 0
    high_confidence: int = 0


@dataclass
class ShadowRecord:
    """The shadow of one version.

    Attributes:
        version: Number of the version in shadow.
        identity: What tells it from others of its number, see `identify_version`.
        serving: Number of the version that served meanwhile.
        since: Start, ISO 8601 in UTC.
        outcome: What became of it.
        ended: End, ISO 8601 in UTC; "" while it lasts.
        reason: Why it ended so, in words.
        dropped: Pictures that were not compared, so that no request waits.
        pairs: Counts of the pictures that both versions have predicted.
        serving_identity: What tells the serving version from others of its number; "" if it is not
            known.
        repeated: Pictures that were not compared, because they had been before.
        seen: Digests of the pictures that count, the last ones at the end, with how often clients
            have sent each; at most `MAX_SEEN`.
    """

    version: int
    identity: str
    serving: int
    since: str
    outcome: Outcome = ""
    ended: str = ""
    reason: str = ""
    dropped: int = 0
    pairs: list[PredictedPair] = field(default_factory=list)
    serving_identity: str = ""
    repeated: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_key = {(one.domain, one.label, one.shadow_label): one for one in self.pairs}
        self._domains = {one.domain for one in self.pairs}
        self._num_pictures = sum(one.pictures for one in self.pairs)
        self._num_confident = sum(one.confident for one in self.pairs)
        self._num_high_confidence = sum(one.high_confidence for one in self.pairs)

    def add(
        self,
        domain: str,
        label: str,
        shadow_label: str,
        is_confident: bool,
        has_high_confidence: bool | None = None,
    ) -> None:
        """Count a picture.

        Args:
            domain: Domain that the client names; "" if it is not known.
            label: Class that the serving version predicts.
            shadow_label: Class that the version in shadow predicts.
            is_confident: Whether the serving version is confident.
            has_high_confidence: Whether its confidence is high; None: as `is_confident`.
        """
        if has_high_confidence is None:
            has_high_confidence = is_confident
        if domain not in self._domains and len(self._domains) >= MAX_DOMAINS:
            domain = ""
        self._domains.add(domain)
        key = (domain, label, shadow_label)
        if key not in self._by_key:
            self._by_key[key] = PredictedPair(*key)
            self.pairs.append(self._by_key[key])
        self._by_key[key].pictures += 1
        self._by_key[key].confident += is_confident
        self._by_key[key].high_confidence += has_high_confidence
        self._num_pictures += 1
        self._num_confident += is_confident
        self._num_high_confidence += has_high_confidence

    def is_repeated(self, digest: str) -> bool:
        """Return whether a picture counts already, such as that of a health check, and count that.

        Args:
            digest: Digest of its encoded bytes.
        """
        times = self.seen.pop(digest, 0)
        if not times:
            return False
        self.seen[digest] = times + 1  # at the end: what comes again and again stays known
        self.repeated += 1
        return True

    def see(self, digest: str) -> None:
        """Note that a picture is being compared.

        Args:
            digest: Digest of its encoded bytes.
        """
        self.seen[digest] = 1
        if len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]

    def forget(self, digest: str) -> None:
        """Note that a picture was not compared after all.

        Args:
            digest: Digest of its encoded bytes.
        """
        self.seen.pop(digest, None)

    def is_of_same_models(self, other: "ShadowRecord") -> bool:
        """Return whether another record is of the same version beside the same serving version.

        Args:
            other: Record of another server.
        """
        return (self.version, self.identity, self.serving, self.serving_identity) == (
            other.version,
            other.identity,
            other.serving,
            other.serving_identity,
        )

    @property
    def num_pictures(self) -> int:
        """Number of pictures that both versions have predicted."""
        return self._num_pictures

    @property
    def num_confident(self) -> int:
        """Number of those that count as confident predictions of the serving version."""
        return self._num_confident or self._num_high_confidence

    @property
    def is_refused(self) -> bool:
        """Whether it was decided that the version does not serve."""
        return self.outcome in ("over_limit", "failed")

    @property
    def is_in_shadow(self) -> bool:
        """Whether the version is in shadow, be it that no further picture changes anything."""
        return not self.outcome or self.is_refused

    @property
    def counts(self) -> "Disagreement":
        """Counts over all pictures."""
        return self._count("", self.pairs)

    def by_class(self) -> list["Disagreement"]:
        """Return the counts per class of the serving version, most disagreements first."""
        return self._grouped("label")

    def by_domain(self) -> list["Disagreement"]:
        """Return the counts per domain, most disagreements first; none if no domain is known."""
        return self._grouped("domain") if self._domains - {""} else []

    def _grouped(self, key: str) -> list["Disagreement"]:
        groups: dict[str, list[PredictedPair]] = {}
        for one in self.pairs:
            groups.setdefault(getattr(one, key), []).append(one)
        counts = [self._count(name, group) for name, group in groups.items()]
        return sorted(counts, key=lambda one: (-one.disagreements, -one.pictures, one.name))

    def _count(self, name: str, pairs: list[PredictedPair]) -> "Disagreement":
        confident = "confident" if self._num_confident else "high_confidence"
        return count_disagreement(name, pairs, confident)


@dataclass(frozen=True)
class Disagreement:
    """How often the version in shadow predicts another class.

    Attributes:
        name: Class or domain that it is about; "" for all pictures, or no known domain.
        pictures: Number of pictures.
        disagreements: Number of those with another class.
        confident: Number of pictures for which the serving version is confident.
        confident_disagreements: Number of those with another class.
        most_frequent: Other class that is predicted most often; "" without a disagreement.
    """

    name: str
    pictures: int
    disagreements: int
    confident: int
    confident_disagreements: int
    most_frequent: str

    @property
    def confident_share(self) -> float:
        """Share of the confident predictions that are contradicted; 0 if there are none."""
        return self.confident_disagreements / self.confident if self.confident else 0.0


def count_disagreement(
    name: str, pairs: list[PredictedPair], confident: str = "confident"
) -> Disagreement:
    """Return the counts over pairs of classes.

    Args:
        name: What they are about.
        pairs: The pairs.
        confident: Attribute of a pair with the number of its confident predictions.
    """
    others: Counter[str] = Counter()
    for one in pairs:
        if one.label != one.shadow_label:
            others[one.shadow_label] += one.pictures
    return Disagreement(
        name,
        pictures=sum(one.pictures for one in pairs),
        disagreements=others.total(),
        confident=sum(getattr(one, confident) for one in pairs),
        confident_disagreements=sum(
            getattr(one, confident) for one in pairs if one.label != one.shadow_label
        ),
        most_frequent=others.most_common(1)[0][0] if others else "",
    )
