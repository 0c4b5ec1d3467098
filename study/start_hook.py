"""What cluster.yaml has `ray start` call (RAY_START_HOOK): it has no option for this."""

from __future__ import annotations

from typing import Any


def no_client_server(parameters: Any, head: bool) -> None:
    """Leave out the server for remote clients (ray://): it would listen on the network."""
    parameters.ray_client_server_port = None
