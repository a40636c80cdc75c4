"""The web edge in a thread of its own: uvicorn, with our signals and a socket that was bound before anything began."""

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from syncd.config import Settings
from syncd.errors import ConfigError

BACKLOG = 1024
KEEP_ALIVE = 75
"""Seconds; longer than the usual proxy keeps a connection, so that it is not us who closes it under a request."""


def bind(listen: str) -> socket.socket:
    """A listening socket at `address:port` or `unix:/path`. Raises ConfigError where that cannot be had."""
    try:
        if listen.startswith("unix:"):
            return _bind_unix(Path(listen.removeprefix("unix:")))
        host, _, port = listen.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"[web] listen: {listen} cannot be listened on: {error}") from error


def _bind_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(BACKLOG)
    return listener


def address_of(listener: socket.socket) -> str:
    """Where it listens, as a person writes it."""
    if listener.family is socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(slots=True)
class WebServer:
    """Serves the app on the socket until `stop`."""

    app: ASGIApp
    listener: socket.socket
    settings: Settings
    _server: uvicorn.Server = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        web = self.settings.web
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                proxy_headers=True,
                forwarded_allow_ips=self.settings.security.trusted_proxies,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=max(1, round(web.stop_within.total_seconds())),
            )
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self, within: float) -> bool:
        """Take no more, let running requests end; whether they did within so many seconds."""
        self._server.should_exit = True
        self._thread.join(within)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def is_ready(self) -> bool:
        """Whether it has begun to serve."""
        return self._server.started

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._server.serve(sockets=[self.listener]))
