"""Options of `carryover serve`, as they are given and as they are used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.memory_size import default_max_memory, parse_size
from pipeline.serving.sampling.sampling_options import SamplingOptions, parse_sampling_options
from pipeline.serving.shadow.shadow_options import ShadowOptions, read_shadow_options
from pipeline.serving.version_labels import SHADOW_LABELS, LabelledVersion, parse_version_labels
from trainer_module.contract.errors import InputError


@dataclass(frozen=True)
class ServeOptions:
    """Options of the command.

    Attributes:
        host: Address to listen on.
        port: Port for HTTP; 0 chooses a free one.
        grpc_port: Port for gRPC, likewise; None for no gRPC.
        allowed_hosts: Names of this server, besides `localhost`, that requests may be for.
        max_memory: Most memory of all requests, see `parse_size`; None for the default.
        version_labels: Labels of versions, see `parse_version_labels`.
        sample_requests: Share of the pictures to keep; None for none, as for 0.
        sample_limit: Most bytes that they take, see `parse_size`; None for the default.
        domain: Domain of clients that name none; None if it is not known.
        show_workspace: Whether everybody who can reach the server sees what is in the workspace.
            Otherwise only this machine does.
        shadow: Whether new versions are first in shadow; None: as the config says.
        config: Config to read in place of that of the serving version's run; None for that one.
        overrides: Texts `serve.key=value`, which win over it.
    """

    host: str
    port: int
    grpc_port: int | None = None
    allowed_hosts: Sequence[str] = ()
    max_memory: str | None = None
    version_labels: Sequence[str] = ()
    sample_requests: float | None = None
    sample_limit: str | None = None
    domain: str | None = None
    show_workspace: bool = False
    shadow: bool | None = None
    config: Path | None = None
    overrides: Sequence[str] = ()


@dataclass(frozen=True)
class ModelOptions:
    """What the options say about the model of the server.

    Attributes:
        labels: Labels of versions.
        sampling: Which pictures are kept; None to keep none.
        shadow: When new versions serve.
        budget: Memory of all requests.
    """

    labels: Mapping[str, LabelledVersion]
    sampling: SamplingOptions | None
    shadow: ShadowOptions
    budget: MemoryBudget

    @classmethod
    def parse(cls, options: ServeOptions, store: VersionStore) -> "ModelOptions":
        """Return what options say.

        Args:
            options: Options of the command.
            store: Versions of the model.

        Raises:
            InputError: An option is wrong.
        """
        labels = parse_version_labels(options.version_labels, store)
        sampling = parse_sampling_options(
            options.sample_requests, options.sample_limit, options.domain
        )
        shadow = read_shadow_options(store, options.config, options.overrides, options.shadow)
        most = options.max_memory
        budget = MemoryBudget(parse_size("--max-memory", most) if most else default_max_memory())
        return cls(
            {**SHADOW_LABELS, **labels} if shadow.is_on else labels, sampling, shadow, budget
        )

    def check_read_only(self) -> None:
        """Refuse what writes into the workspace, as for one in an object store.

        Raises:
            InputError: Requests are sampled, or a version is in shadow.
        """
        if self.sampling or self.shadow.is_on:
            what = "--sample-requests" if self.sampling else "a version in shadow"
            raise InputError(
                f"{what} writes into the workspace, and `carryover serve` only reads one in an "
                "object store. Leave --sample-requests out, and give --no-shadow."
            )

    @property
    def pinned(self) -> list[int]:
        """Numbers of the versions that stay in memory, because a label stands for them."""
        return [version for version in self.labels.values() if isinstance(version, int)]
