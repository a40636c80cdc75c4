"""A mail server on loopback, which keeps what it is handed."""

import asyncio
import threading
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller


class OnAnyPort(Controller):
    """Listens at a port that the system picks; the library would knock at port 0."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Postman:
    """`answer` is what it says to a message; `messages` are those it took: (addresses, message)."""

    def __init__(self):
        self.messages, self.answer = [], "250 OK"
        self._controller = OnAnyPort(self, hostname="127.0.0.1", port=0)
        self._controller.start()
        self.port = self._controller.port

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 the library's name
        if self.answer.startswith("250"):
            self.messages.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.answer

    def stop(self):
        """Twice is once."""
        if self._controller.loop.is_running():
            self._controller.stop()

    def to(self, address):
        """What came for this address."""
        return [message for addresses, message in self.messages if address in addresses]


class SilentPostman:
    """Never answers a message; where it `had_taken_it`, the message is passed on first."""

    def __init__(self, postman, *, had_taken_it):
        self._postman, self._had_taken_it = postman, had_taken_it
        self.is_on_the_line = threading.Event()
        self._controller = OnAnyPort(self, hostname="127.0.0.1", port=0)
        self._controller.start()
        self.port = self._controller.port

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 the library's name
        if self._had_taken_it:
            await self._postman.handle_DATA(server, session, envelope)
        self.is_on_the_line.set()
        await asyncio.sleep(60)  # its caller is killed before
        return "451 over"

    def stop(self):
        self._controller.stop()
