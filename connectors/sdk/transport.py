"""The real network under a client, which reaches private addresses only where the operator allows it."""

import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import httpcore
import httpx

from connectors.sdk.addresses import public_addresses

_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=3.0)


def guarded_transport(*, allow_private: bool) -> httpx.BaseTransport:
    """The real network. Unless `allow_private`, a host with an address outside the open internet is Refused.

    Idle connections are dropped after three seconds, sooner than most servers do: one that the server closes while a
    write goes out makes the outcome of that write unknown.
    """
    context = _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    transport = httpx.HTTPTransport(verify=context, limits=_LIMITS)
    if not allow_private:
        # httpx has no public way to name the network below its pool; a test fails should this one stop working.
        transport._pool = httpcore.ConnectionPool(  # noqa: SLF001
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_PublicOnly(),
        )
    return transport


def just_before_it_leaves(request: httpx.Request, check: Callable[[], None]) -> None:
    """Have `check` called when the first bytes of a request are about to leave, and again before the rest of it does.

    What it raises ends the request without effect: nobody acts on half a request. Only the real network calls it.
    """
    stages = {"http11.send_request_headers.started"}
    if request.headers.get("content-length", "0") != "0":
        stages.add("http11.send_request_body.started")

    def trace(event: str, _told: Mapping[str, object]) -> None:
        if event in stages:
            check()

    request.extensions["trace"] = trace


@cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Whom we trust, for the places that httpx takes from the environment. One for the process: each takes 25 ms."""
    return httpx.create_ssl_context()


class _PublicOnly(httpcore.NetworkBackend):
    """Connects to exactly the addresses that were checked, so that no second look-up can lead elsewhere.

    TLS still asks for the certificate of the name, which the pool above keeps.
    """

    def __init__(self) -> None:
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = public_addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError("The name of the host is not known.") from error
        failure: Exception = httpcore.ConnectError("The host has no address.")
        for address in addresses:
            try:
                return self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
