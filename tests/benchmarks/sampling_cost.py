"""What keeping pictures costs a server: throughput and CPU with it off, at 0.1 and at 1.0."""

import contextlib
from pathlib import Path

from server_process import start_server
from server_turns import ROUNDS, WARM_UP, compare_servers, warm_up
from tiny_exports import push_of

from components.pusher.version_store import VersionStore

#: Rates in the order of a round; the first one is what the others are compared with.
RATES = (0.0, 0.1, 1.0)

#: Least throughput with everything kept, as a share of that with nothing kept.
LIMIT = 0.95


def sampling_cost(root: Path, model: Path, bodies: list[bytes], requests: int) -> bool:
    """Compare three servers of one model, which get the same requests in turns.

    Args:
        root: Folder for their workspaces.
        model: Folder of the SavedModel.
        bodies: Bodies of requests with one picture each.
        requests: Number of requests per turn.

    Returns:
        Whether the throughput with everything kept is at least `LIMIT`, and everything was kept.
    """
    with contextlib.ExitStack() as stack:
        servers = {}
        for rate in RATES:
            store = VersionStore(root / f"rate-{rate}", "bench")
            store.push(model, push_of(0))
            server = stack.enter_context(start_server(store.root, "--sample-requests", str(rate)))
            warm_up(server, bodies)
            servers[str(rate)] = server
        shares = compare_servers(servers, bodies, requests, "sampling")
        kept = [one.metric("carryover_sampled_pictures_total") for one in servers.values()]
        dropped = [
            one.metric("carryover_dropped_sampled_pictures_total") for one in servers.values()
        ]
    sent = WARM_UP + ROUNDS * requests
    print(f"sampling: of {sent:,} pictures per server kept {kept}, dropped {dropped}")
    is_complete = kept[-1] + dropped[-1] == sent and not any(dropped)
    return shares[str(RATES[-1])] >= LIMIT and is_complete
