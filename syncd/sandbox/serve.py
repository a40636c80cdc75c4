"""Puts simulated platforms on real sockets: one uvicorn thread per platform, one pump thread that sends its webhooks.

`served` is for one platform, `served_together` for several. Everything stops, and nothing is left running, when the
`with` block ends.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from typing import Any

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.sandbox.wire import Platform, Request, Response, Webhook

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PUMP_PAUSE = 0.02
SENDERS = 8
CUT = "syncd.sandbox.cut"


@contextmanager
def served(platform: Platform, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a platform until the block ends; yields its address, such as http://127.0.0.1:40123.

    Port 0 lets the operating system choose. Due webhooks are sent all the while, at most eight at a time.
    """
    with (
        socket.create_server((host, port), backlog=512) as listener,
        ExitStack() as running,
    ):
        running.enter_context(_answering(platform, listener))
        running.enter_context(_sending(platform))
        yield f"http://{host}:{listener.getsockname()[1]}"


@contextmanager
def served_together(
    platforms: Mapping[str, Platform], ports: Mapping[str, int] | None = None
) -> Iterator[dict[str, str]]:
    """Serve several platforms until the block ends; yields their addresses under the same names."""
    with ExitStack() as running:
        yield {
            name: running.enter_context(served(platform, (ports or {}).get(name, 0)))
            for name, platform in platforms.items()
        }


@contextmanager
def _answering(platform: Platform, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        application(platform),
        http=_CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run,
        kwargs={"sockets": [listener]},
        name="sandbox-server",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


class _CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a way for the application to drop the connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"abort": self.transport.abort}}


def application(platform: Platform) -> Application:
    """A platform as an ASGI application; the blocking `handle` runs in a worker thread."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope, await _body(receive))
        response = await asyncio.to_thread(platform.handle, request)
        if response.seconds:
            await asyncio.sleep(response.seconds)
        if response.lost:
            scope["extensions"][CUT]["abort"]()
            await _gone(receive)
        else:
            await _send(response, send)

    return answer


def _request(scope: Scope, body: bytes) -> Request:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        scheme=scope["scheme"],
        host=headers.get("host", ""),
        path=scope["path"],
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: Response, send: Send) -> None:
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers.setdefault("content-length", str(len(response.body)))
    headers.setdefault("date", formatdate(usegmt=True))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})


@contextmanager
def _sending(platform: Platform) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=_pump, args=(platform, stopping), name="sandbox-pump", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _pump(platform: Platform, stopping: threading.Event) -> None:
    """Send what is due until told to stop; attempts already handed out are finished, those only queued are dropped."""
    client = httpx.Client(follow_redirects=False, trust_env=False)
    senders = ThreadPoolExecutor(max_workers=SENDERS, thread_name_prefix="sandbox-webhook")
    try:
        while not stopping.wait(PUMP_PAUSE):
            for webhook in platform.due():
                senders.submit(_deliver, platform, client, webhook).add_done_callback(_surface)
    finally:
        senders.shutdown(wait=True, cancel_futures=True)
        client.close()


def _surface(attempt: Future[None]) -> None:
    """Let an error inside a platform be logged with its traceback instead of vanishing with the future."""
    if not attempt.cancelled():
        attempt.result()


def _deliver(platform: Platform, client: httpx.Client, webhook: Webhook) -> None:
    try:
        answer = client.post(
            webhook.url,
            content=webhook.body,
            headers=dict(webhook.headers),
            timeout=webhook.timeout,
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        platform.delivered(webhook.id, None)
    else:
        platform.delivered(webhook.id, answer.status_code)
