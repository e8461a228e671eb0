"""Memory that activations may take."""

from trainer_module.contract.machine_memory import available_memory

#: Share of the available memory of the machine or container that is used if no budget is set.
AVAILABLE_SHARE = 0.25


def activation_budget(cache_memory: int | None, processes: int = 1) -> int:
    """Return the memory for activations in bytes.

    Args:
        cache_memory: Value of the option, in MiB; None for a quarter of the available memory.
        processes: Processes of the training on this machine, each of which has all activations.
            They share that quarter, and have as much as the option says each.
    """
    if cache_memory is not None:
        return cache_memory * 2**20
    return int(available_memory() * AVAILABLE_SHARE) // processes
