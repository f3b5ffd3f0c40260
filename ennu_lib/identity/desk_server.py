"""The review page served to one reviewer: on this machine only, behind a random word, and nothing of it is kept."""

from __future__ import annotations

import secrets
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ennu_lib.errors import EnnuError, UsageError
from ennu_lib.identity.desk import Desk
from ennu_lib.identity.desk_page import end_page, message_page, question_page, style

HOST = "127.0.0.1"
ASSETS = Path(__file__).parent / "assets"
LARGEST_FORM = 10_000  # bytes; an answer and a reason are far below
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def desk_app(desk: Desk, token: str) -> ASGIApp:
    """The pages of a desk under /`token`/. URLs hold places in the queue and no ids of rows."""

    async def start(request: Request) -> Response:
        return _to_open(desk, 0)

    async def following(request: Request) -> Response:
        return _to_open(desk, request.path_params["place"])

    async def show(request: Request) -> Response:
        place = request.path_params["place"]
        return HTMLResponse(question_page(desk, desk.question(place), desk.lines(place)))

    async def keep(request: Request) -> Response:
        place, form = request.path_params["place"], await _form(request)
        try:
            desk.keep(place, form.get("answer", ""), _why(desk, form))
        except UsageError as error:
            page = question_page(desk, desk.question(place), desk.lines(place), wrong=str(error))
            return HTMLResponse(page, status_code=422)
        return _to_open(desk, place)

    async def mask(request: Request) -> Response:
        desk.masked = not desk.masked
        place = (await _form(request)).get("place", "")
        return RedirectResponse(place if place.isdecimal() else "./", status_code=303)

    async def end(request: Request) -> Response:
        return HTMLResponse(end_page(desk))

    async def asset(request: Request) -> Response:
        name = request.url.path.rsplit("/", 1)[-1]
        text = (ASSETS / name).read_text(encoding="utf-8")
        if name.endswith(".css"):
            return Response(style() + text, media_type="text/css")
        return Response(text, media_type="text/javascript")

    pages = [
        Route("/", start),
        Route("/end", end),
        Route("/desk.css", asset),
        Route("/desk.js", asset),
        Route("/mask", mask, methods=["POST"]),
        Route("/open-{place:int}", following),
        Route("/{place:int}", show, methods=["GET"]),
        Route("/{place:int}", keep, methods=["POST"]),
    ]
    handlers = {EnnuError: _foreseen, HTTPException: _not_found, Exception: _unforeseen}
    return _Closed(Starlette(routes=[Mount(f"/{token}", routes=pages)], exception_handlers=handlers))


class DeskServer:
    """Serves a desk on a free port of the loopback interface. `url` holds the random word: it is for the reviewer."""

    def __init__(self, desk: Desk):
        token = secrets.token_urlsafe(24)
        self._socket = socket.create_server((HOST, 0))
        # A log line would tell which question was open, and a traceback might quote a row.
        config = uvicorn.Config(
            desk_app(desk, token), loop="asyncio", lifespan="off", access_log=False, log_config=None,
            log_level="critical", server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}/{token}/"

    def run(self) -> None:
        """Serve until it is stopped or the process gets a signal."""
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serve beside other work, until `stop` or the end of the process."""
        threading.Thread(target=self.run, name="review desk", daemon=True).start()

    def stop(self) -> None:
        """End after the requests under way."""
        self._server.should_exit = True


class _Closed:
    """Lets in only what was sent to this machine by name, and lets nothing be kept of what goes out."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        host = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        if host not in (HOST, "localhost"):
            await HTMLResponse(message_page("This page is for this machine only."), 421)(scope, receive, closed)
            return
        await self._app(scope, receive, closed)


def _to_open(desk: Desk, after: int) -> Response:
    place = desk.next_open(after)
    return RedirectResponse("end" if place is None else str(place), status_code=303)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise UsageError("that is more than an answer and a reason")
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _why(desk: Desk, form: dict[str, str]) -> str:
    """The chosen reason, words of one's own, or both."""
    answer, _, number = form.get("reason", "").partition(" ")
    listed = desk.params.review.reasons.get(answer, []) if answer == form.get("answer") else []
    chosen = listed[int(number) - 1] if number.isdecimal() and 1 <= int(number) <= len(listed) else ""
    return ": ".join(filter(None, (chosen, form.get("why", "").strip())))


async def _foreseen(request: Request, error: EnnuError) -> Response:
    return HTMLResponse(message_page(str(error)), 404 if isinstance(error, UsageError) else 500)


async def _not_found(request: Request, error: HTTPException) -> Response:
    return HTMLResponse(message_page("There is no such page."), error.status_code)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return HTMLResponse(message_page(f"The page failed with {type(error).__name__}; nothing was kept."), 500)
