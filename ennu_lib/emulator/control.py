"""The emulator's own endpoints, without a token: what it has seen, what it holds, and how to change it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.contents import contents
from ennu_lib.emulator.faults import FaultPlan
from ennu_lib.emulator.pipeline import JSON_TYPE, Ledger, Pipeline
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import EmulatorSettings, Seconds


def reply(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type=JSON_TYPE)


class ClockMove(BaseModel):
    """How far a virtual clock goes: by seconds, or to an instant of the portal's monotonic time; never back."""

    model_config = ConfigDict(extra="forbid")

    advance: Seconds = 0.0
    to: Seconds = 0.0


class Control:
    """Handlers of the control endpoints."""

    def __init__(self, portal: Portal, pipeline: Pipeline):
        self.portal = portal
        self.pipeline = pipeline

    def routes(self) -> list[Route]:
        """The routes, all beginning with an underscore."""
        return [
            Route("/_stats", self.stats, methods=["GET"]),
            Route("/_log", self.log, methods=["GET"]),
            Route("/_state", self.state, methods=["GET"]),
            Route("/_reset", self.reset, methods=["POST"]),
            Route("/_faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_settings", self.settings, methods=["GET", "PATCH"]),
            Route("/_clock", self.clock, methods=["GET", "POST"]),
        ]

    async def stats(self, request: Request) -> Response:
        """Counts of requests by family and status, and what is left of the limits."""
        ledger, limiter = self.pipeline.ledger, self.portal.limiter
        return reply({
            "requests": ledger.requests,
            "by_family": dict(ledger.families),
            "by_status": {str(status): count for status, count in sorted(ledger.statuses.items())},
            "today": {**limiter.today, "errors": limiter.errors_today},
            "error_ratio": round(limiter.error_ratio, 4),
        })  # fmt: skip

    async def log(self, request: Request) -> Response:
        """The latest requests: method, path, status; never a body."""
        after = number_of(request.query_params.get("after", "0")) or 0
        return reply({"log": [entry for entry in self.pipeline.ledger.log if entry["n"] > after]})

    async def state(self, request: Request) -> Response:
        """How much of everything the portal holds; with `digest=true` also digests of the contents."""
        digest = request.query_params.get("digest") == "true"
        return reply(await asyncio.to_thread(contents, self.portal, digest))

    async def reset(self, request: Request) -> Response:
        """An empty portal, as on the first day."""
        self.portal.reset()
        self.pipeline.ledger = Ledger()
        return reply({"reset": True})

    async def faults(self, request: Request) -> Response:
        """The fault plan with its counts; POST puts another in force, DELETE ends it."""
        faults = self.pipeline.faults
        if request.method == "DELETE":
            faults.replace(FaultPlan())
        elif request.method == "POST":
            try:
                faults.replace(FaultPlan.model_validate_json(await request.body()))
            except ValidationError as problem:
                return reply({"error": str(problem)}, 400)
        return reply(faults.report())

    async def settings(self, request: Request) -> Response:
        """The settings; PATCH changes the ones that are sent."""
        if request.method == "PATCH":
            try:
                sent = orjson.loads(await request.body())
                changed = EmulatorSettings.model_validate({**self.portal.settings.model_dump(), **sent})
            except (ValidationError, orjson.JSONDecodeError, TypeError) as problem:
                return reply({"error": str(problem)}, 400)
            for name in sent:
                setattr(self.portal.settings, name, getattr(changed, name))
        return Response(self.portal.settings.model_dump_json(), media_type=JSON_TYPE)

    async def clock(self, request: Request) -> Response:
        """The portal's time; POST {"advance": seconds} or {"to": monotonic seconds} moves a virtual clock on."""
        clock = self.portal.clock
        if request.method == "POST":
            if not isinstance(clock, VirtualClock):
                return reply({"error": "this emulator runs in real time; start it with --virtual-clock"}, 409)
            try:
                move = ClockMove.model_validate_json(await request.body())
            except ValidationError as problem:
                return reply({"error": str(problem)}, 400)
            clock.sleep(move.advance)
            clock.sleep(move.to - clock.monotonic())
            self.portal.keep_time()
        return reply({"now": clock.now().isoformat(), "monotonic": clock.monotonic(),
                      "virtual": isinstance(clock, VirtualClock)})  # fmt: skip
