"""Answers that are not well-behaved HTTP: cut off, dripped, never sent, or the connection reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT = "emulator.transport"
DRIP_PIECES = 20


class OpenProtocol(HttpToolsProtocol):
    """uvicorn's protocol; it also hands the connection to the application, so that a fault can break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[typeddict-item]


class Hangup(Response):
    """No answer: after `seconds` the connection is closed, or reset."""

    def __init__(self, seconds: float = 0.0, reset: bool = False):
        super().__init__()
        self.seconds = seconds
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionResetError("the emulator broke the connection on request")
        gone = asyncio.ensure_future(_client_left(receive))
        await asyncio.wait([gone], timeout=self.seconds)
        if not gone.done():
            self._close(transport)
            await gone

    def _close(self, transport: asyncio.Transport) -> None:
        if self.reset:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def dripping(body: bytes, status: int, headers: dict[str, str], media_type: str,
             pause: Callable[[float], Awaitable[None]], seconds: float) -> Response:  # fmt: skip
    """The body in small pieces over `seconds`."""
    size = max(1, -(-len(body) // DRIP_PIECES))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            await pause(seconds / DRIP_PIECES)
            yield body[start : start + size]

    length = {**headers, "content-length": str(len(body))}
    return StreamingResponse(pieces(), status, length, media_type)
