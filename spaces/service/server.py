"""`spaces serve`: models are loaded, a port is taken, requests are answered until Ctrl+C."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from spaces.errors import InputError
from spaces.service.settings import ServiceSettings

if TYPE_CHECKING:
    from spaces.summarizer import Summarizer

__all__ = ["serve"]


def serve(
    host: str,
    port: int,
    *,
    model: str | Path | None = None,
    precision: str = "float32",
    workers: int = 1,
    settings: ServiceSettings | None = None,
    say: Callable[[str], None],
) -> None:
    """Answer requests until the process is interrupted.

    port: 0 takes a free one; `say` hears the address. `precision`: what the model computes in (see
    `Summarizer.to_precision`). workers: models that work at the same time, each with its share of
    the processor's cores. Raises InputError for an address that cannot be used and where the
    packages of the extra `service` are missing, ModelError for the model.
    """
    try:
        import uvicorn

        from spaces.service.app import create_app
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "pydantic", "starlette", "uvicorn"):
            raise
        raise InputError(
            f"the service needs {error.name}, which is not installed: "
            "pip install 'spaces-summarizer[service]'"
        ) from None

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                say(f"spaces: {_url(taken)} answers; Ctrl+C stops it")

    with _take(host, port) as taken:  # before the model, which takes a while to load
        if not _is_loopback(taken):
            say(
                "spaces: warning: other machines can reach this address; there is no password, "
                "and what they send is not encrypted"
            )
        models = _load(model, precision, workers)
        config = uvicorn.Config(
            create_app(models, settings),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=5,
        )
        Server(config).run(sockets=[taken])


def _load(path: str | Path | None, precision: str, workers: int) -> list[Summarizer]:
    from spaces import Summarizer
    from spaces.hub import locate

    if workers > 1:
        import torch

        torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    folder = locate(path)  # once: a model on the hub may change in between
    return [Summarizer.from_pretrained(folder, precision=precision) for _ in range(workers)]


def _take(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises InputError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"--host {host}: cannot be used: {error.strerror or error}") from None
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise InputError(
            f"{host}, port {port}: cannot be used: {error.strerror or error}; name others with "
            "--host and --port"
        ) from None
    return taken


def _is_loopback(taken: socket.socket) -> bool:
    return ipaddress.ip_address(taken.getsockname()[0].partition("%")[0]).is_loopback


def _url(taken: socket.socket) -> str:
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
