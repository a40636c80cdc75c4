"""The network between the daemons and everybody else: wires that can refuse, hold back, cut, and lose answers.

Every wire is a small TCP proxy on loopback. It also keeps a journal of the writes that pass, with the process that sent
each: whether a daemon wrote without its lease is judged by that (`hands.py`).
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

CHUNK = 65536
CONNECT_WITHIN = 2.0


class Mode(StrEnum):
    """What a wire does."""

    OPEN = "open"
    REFUSE = "refuse"  # whoever connects is thrown out, whoever is connected is cut off
    STALL = "stall"  # nothing moves, in either direction, until it is open again
    MUTE = "mute"  # what is said arrives, the answer is lost and the connection cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One writing request as it left a daemon. `at` is the machine's time in seconds."""

    at: float
    wire: str
    pid: int | None


@dataclass(slots=True)
class Wire:
    """One place that is reached through us. `marks` are bytes that only a writing request has."""

    name: str
    targets: Sequence[int]
    marks: Sequence[bytes] = ()
    mode: Mode = Mode.OPEN
    port: int = 0
    _network: "Network | None" = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where to call instead of the target."""
        return f"http://127.0.0.1:{self.port}"

    def set(self, mode: Mode) -> None:
        """From now on."""
        self._network.call(self._set, mode)

    def cut(self) -> None:
        """Cut everybody off who is connected now."""
        self._network.call(self._cut)

    def _set(self, mode: Mode) -> None:
        self.mode = mode
        if mode is Mode.STALL:
            self._open.clear()
        else:
            self._open.set()
        if mode is Mode.REFUSE:
            self._cut()

    def _cut(self) -> None:
        for writer in list(self._connections):
            writer.transport.abort()

    async def serve(self, network: "Network") -> asyncio.Server:
        self._network = network
        self._open.set()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.REFUSE:
            writer.transport.abort()
            return
        pid = self._network.owner_of(writer.get_extra_info("peername")[1]) if self.marks else None
        there = await self._reach()
        if there is None:
            writer.transport.abort()
            return
        self._connections |= {writer, there[1]}
        try:
            await asyncio.gather(self._say(reader, there[1], pid), self._answer(there[0], writer, there[1]))
        finally:
            for end in (writer, there[1]):
                self._connections.discard(end)
                end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Any of the targets, begun with one at random."""
        for port in random.sample(self.targets, len(self.targets)):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_WITHIN):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _say(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, pid: int | None) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if any(mark in data for mark in self.marks):
                    self._network.writes.append(Write(at=time.time(), wire=self.name, pid=pid))
                await self._open.wait()
                there.write(data)
                await there.drain()
            there.write_eof()

    async def _answer(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, there: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                if self.mode is Mode.MUTE:
                    back.transport.abort()
                    there.transport.abort()
                    return
                back.write(data)
                await back.drain()
        back.close()


class Network:
    """All wires, in a thread of their own. `pids` tells which processes are the daemons."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self.wires = {wire.name: wire for wire in wires}
        self.writes: list[Write] = []
        self.pids: Callable[[], Sequence[int]] = list
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)

    def call(self, function: Callable[..., None], *args: object) -> None:
        """Have it done in the network's thread, and wait until it was."""

        async def do() -> None:
            function(*args)

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def owner_of(self, port: int) -> int | None:
        """The daemon whose end of a loopback connection has this port."""
        inode = _inode_of(port)
        return None if inode is None else next((pid for pid in self.pids() if _has_socket(pid, inode)), None)

    def calm(self) -> None:
        """Every wire is open."""
        for wire in self.wires.values():
            wire.set(Mode.OPEN)

    @contextmanager
    def running(self) -> Iterator["Network"]:
        """Serve until the block ends."""
        self._thread.start()
        servers = [
            asyncio.run_coroutine_threadsafe(wire.serve(self), self._loop).result(10) for wire in self.wires.values()
        ]
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(servers), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _end(self, servers: Sequence[asyncio.Server]) -> None:
        for server in servers:
            server.close()
        for wire in self.wires.values():
            wire._set(Mode.REFUSE)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        if rest:
            await asyncio.wait(rest, timeout=2 * CONNECT_WITHIN)  # cut off, they end by themselves


def _inode_of(port: int) -> str | None:
    """The socket with this local port on 127.0.0.1 (proc(5), /proc/net/tcp: hexadecimal, inode in column 10)."""
    local = f"0100007F:{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == local:
            return fields[9]
    return None


def _has_socket(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    with suppress(OSError):
        for entry in list(Path(f"/proc/{pid}/fd").iterdir()):
            with suppress(OSError):
                if str(entry.readlink()) == wanted:
                    return True
    return False
