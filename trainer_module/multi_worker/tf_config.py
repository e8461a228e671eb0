"""The cluster of processes that train together, as the variable `TF_CONFIG` describes it.

TensorFlow is not imported here.
"""

import json
import os
from dataclasses import dataclass

from trainer_module.contract.errors import InputError

#: Name of the environment variable.
VARIABLE = "TF_CONFIG"

#: Roles that take part in a training; TensorFlow knows others.
ROLES = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """The processes of one training.

    Attributes:
        addresses: host:port of each process, chief first; empty if this process trains alone.
        own_address: host:port of this process.
        is_chief: Whether this process runs the pipeline and writes the model.
    """

    addresses: tuple[str, ...] = ()
    own_address: str = ""
    is_chief: bool = True

    @property
    def is_distributed(self) -> bool:
        """Whether this process trains together with others."""
        return len(self.addresses) > 1

    @property
    def index(self) -> int:
        """Number of this process among all of them; the chief is 0."""
        return self.addresses.index(self.own_address) if self.is_distributed else 0

    @property
    def host(self) -> str:
        """Host of this process."""
        return _host(self.own_address)

    @property
    def processes_on_host(self) -> int:
        """Number of processes on the host of this process, itself included."""
        return max(1, [_host(address) for address in self.addresses].count(self.host))


def _host(address: str) -> str:
    return address.rsplit(":", 1)[0]


def read_cluster() -> Cluster:
    """Return the cluster that `TF_CONFIG` describes; this process alone if it is not set.

    In a cluster without a chief, the first worker is the chief, as in TensorFlow.

    Raises:
        InputError: `TF_CONFIG` is malformed.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return Cluster()
    try:
        config = json.loads(text)
        roles = {role: list(config.get("cluster", {}).get(role, [])) for role in ROLES}
        task = config.get("task", {"type": "chief", "index": 0})
        role, index = task["type"], int(task["index"])
        own_address = roles[role][index] if any(roles.values()) else ""
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise InputError(
            f"{VARIABLE} must be JSON, {{cluster: {{chief: [host:port], worker: [host:port]}}, "
            f"task: {{type: chief or worker, index: number}}}}. Received: {text[:200]}"
        ) from None
    is_chief = role == "chief" or (not roles["chief"] and index == 0)
    return Cluster((*roles["chief"], *roles["worker"]), own_address, is_chief)
