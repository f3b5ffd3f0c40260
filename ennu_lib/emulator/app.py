"""The emulator as a Starlette application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.emulator.calls import Portal, Version
from ennu_lib.emulator.control import Control, reply
from ennu_lib.emulator.endpoints import FAMILIES, Endpoint
from ennu_lib.emulator.faults import FaultPlan
from ennu_lib.emulator.imports import fail_interrupted
from ennu_lib.emulator.pipeline import Pipeline
from ennu_lib.emulator.routing import Prefixed, WithoutTrailingSlash
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.store import Store

DEFAULT_TOKEN = "test-token"


def create_app(
    state: Path | str,
    *,
    token: str = DEFAULT_TOKEN,
    settings: EmulatorSettings | None = None,
    clock: Clock | None = None,
    faults: FaultPlan | None = None,
) -> Starlette:
    """A portal kept in the file `state`, made when it is not there, served to whoever carries `token`."""
    portal = Portal(Store(state), settings or EmulatorSettings(), clock or SystemClock())
    fail_interrupted(portal)
    pipeline = Pipeline(portal, token, faults)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        portal.close()

    routes = [*_api_routes(pipeline), *Control(portal, pipeline).routes()]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=_ERRORS)
    app.add_middleware(WithoutTrailingSlash)
    return app


def _api_routes(pipeline: Pipeline) -> list[Prefixed]:
    return [
        Prefixed(prefix, [_route(pipeline, endpoint, version, prefix) for endpoint in family.endpoints])
        for family in FAMILIES
        for version, prefix in family.prefixes()
    ]


def _route(pipeline: Pipeline, endpoint: Endpoint, version: Version, prefix: str) -> Route:
    async def serve(request: Request) -> Response:
        return await pipeline.serve(request, endpoint, version)

    return Route(prefix + endpoint.path, serve, methods=[endpoint.method])


async def _no_such_path(request: Request, problem: Exception) -> Response:
    return _plain_error(404, "resource not found")


async def _no_such_method(request: Request, problem: Exception) -> Response:
    return _plain_error(405, "Method Not Allowed")


async def _broken(request: Request, problem: Exception) -> Response:
    return _plain_error(500, "internal error")


def _plain_error(status: int, message: str) -> Response:
    return reply({"status": "error", "message": message, "correlationId": str(uuid4())}, status)


_ERRORS = {404: _no_such_path, 405: _no_such_method, Exception: _broken}
