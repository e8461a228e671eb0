"""Who trains together, as `TF_CONFIG` says it. TensorFlow is not imported here."""

import json
import os
from dataclasses import dataclass

from trainer_module.contract.errors import InputError

VARIABLE = "TF_CONFIG"

#: Roles that train; TensorFlow knows others.
ROLES = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """Processes that train together, and which of them this is.

    Attributes:
        addresses: host:port of each; empty where this process trains alone.
        own: address of this process.
        leads: whether this process runs the pipeline and writes the model.
    """

    addresses: tuple[str, ...] = ()
    own: str = ""
    leads: bool = True

    @property
    def is_several(self) -> bool:
        """Whether there are others."""
        return len(self.addresses) > 1

    @property
    def host(self) -> str:
        """Of this process."""
        return _host(self.own)

    @property
    def on_own_host(self) -> int:
        """How many of them are on the host of this process, itself included."""
        return [_host(address) for address in self.addresses].count(self.host)


def _host(address: str) -> str:
    return address.rsplit(":", 1)[0]


def read_cluster() -> Cluster:
    """What `TF_CONFIG` says; one process alone where it is not set.

    A cluster without a chief is led by its first worker.

    Raises:
        InputError: it cannot be understood.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return Cluster()
    try:
        config = json.loads(text)
        roles = {role: list(config.get("cluster", {}).get(role, [])) for role in ROLES}
        task = config.get("task", {"type": "chief", "index": 0})
        role, index = task["type"], int(task["index"])
        own = roles[role][index] if any(roles.values()) else ""
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise InputError(
            f"{VARIABLE} must be JSON, {{cluster: {{chief: [host:port], worker: [host:port]}}, "
            f"task: {{type: chief or worker, index: number}}}}. Received: {text[:200]}"
        ) from None
    leads = role == "chief" or (not roles["chief"] and index == 0)
    return Cluster((*roles["chief"], *roles["worker"]), own, leads)
