"""Telling systemd how we are: ready, stopping, alive. Without systemd nothing is told."""

import os
import socket
from collections.abc import Mapping


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send one state, such as `READY=1` (sd_notify(3)). A supervisor that does not listen is no error."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return


def watchdog_interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often to say that we are alive, in seconds: twice as often as it is expected. None where it is not."""
    told = environment.get("WATCHDOG_USEC", "")
    if not told.isdigit() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(told) / 1_000_000 / 2
