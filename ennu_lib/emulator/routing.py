"""Routes grouped by prefix, so that a request is compared with a dozen patterns and not with hundreds."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_MATCHED = "emulator.route"


class Prefixed(BaseRoute):
    """The routes below one prefix."""

    def __init__(self, prefix: str, routes: Iterable[Route]):
        self.prefix = prefix
        self.routes = list(routes)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route that fits path and method, else one that fits the path alone."""
        best: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http" or not scope["path"].startswith(self.prefix):
            return best
        for route in self.routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, _MATCHED: route}
            if match is Match.PARTIAL and best[0] is Match.NONE:
                best = (match, {**child, _MATCHED: route})
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that matched answer."""
        await scope[_MATCHED].handle(scope, receive, send)


class WithoutTrailingSlash:
    """`/crm/v3/owners/` is `/crm/v3/owners`: the official client writes some paths with a slash at the end."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
        await self.app(scope, receive, send)
