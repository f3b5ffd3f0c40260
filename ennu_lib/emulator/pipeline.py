"""What every request passes through: the token, the limits, the faults, the handler, the envelope."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator import faults
from ennu_lib.emulator.bodies import conform
from ennu_lib.emulator.calls import Answer, Call, Portal, Version, batch_answer
from ennu_lib.emulator.endpoints import Endpoint
from ennu_lib.emulator.errors import ApiError, unauthenticated
from ennu_lib.emulator.faults import FaultRule, Faults, Kind
from ennu_lib.emulator.locks import Locks
from ennu_lib.emulator.wire import Hangup, dripping

LOG_LENGTH = 10_000
KEEP_TIME_EVERY = 100
JSON_TYPE = "application/json;charset=utf-8"


@dataclass
class Ledger:
    """What has been asked and answered: counts for ever, the latest requests without their bodies."""

    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    statuses: Counter[int] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def enter(self, method: str, path: str, family: str, status: int, at: float, fault: str | None) -> None:
        """Note one request; `status` is the handler's, even when the answer was lost on the way."""
        self.requests += 1
        self.statuses[status] += 1
        self.families[family] += 1
        entry = {"n": self.requests, "at": at, "method": method, "path": path, "status": status}
        self.log.append(entry | ({"fault": fault} if fault else {}))


class Pipeline:
    """Serves every endpoint of one portal."""

    def __init__(self, portal: Portal, token: str, plan: faults.FaultPlan | None = None):
        self.portal = portal
        self.token = token
        self.ledger = Ledger()
        self.faults = Faults(plan)
        self.locks = Locks()

    async def serve(self, request: Request, endpoint: Endpoint, version: Version) -> Response:
        """Answer one request."""
        raw = await request.body()
        correlation = str(uuid4())
        rule: FaultRule | None = None
        try:
            self._admit(request, endpoint)
            rule = self.faults.choose(request.method, request.url.path)
            answer = await self._work(request, raw, endpoint, version, rule)
        except ApiError as error:
            answer = Answer(error.status, {**error.body, "correlationId": correlation}, error.headers)
        self._account(request, endpoint, answer, rule)
        headers = self._headers(endpoint, answer, correlation)
        return await self._deliver(answer, headers, rule)

    def _admit(self, request: Request, endpoint: Endpoint) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise unauthenticated()
        self.portal.limiter.take(endpoint.family)

    async def _work(
        self, request: Request, raw: bytes, endpoint: Endpoint, version: Version, rule: FaultRule | None
    ) -> Answer:
        query = parse_qs(request.scope["query_string"].decode(), keep_blank_values=True)
        call = Call(version, request.path_params, query, raw, request.headers.get("content-type", ""), self.token)
        kind = rule.kind if rule else None
        if endpoint.body is not None:
            conform(call.json_list if isinstance(endpoint.body, list) else call.json, endpoint.body)
        if rule and kind in faults.INSTEAD:
            raise faults.error_instead(rule, self.portal.settings.retry_after_header)
        if kind is Kind.RESET_BEFORE:
            return Answer(0)
        if kind is Kind.SILENT_EMPTY:
            return batch_answer(self.portal, call, self.portal.now(), [], [])
        if rule and kind is Kind.SLOW:
            await self.pause(rule.seconds)
        if rule and kind is Kind.PARTIAL:
            await self._handle(endpoint, call.first_half())
            raise ApiError(rule.status or 500, "internal error", None)
        return await self._handle(endpoint, call)

    async def _handle(self, endpoint: Endpoint, call: Call) -> Answer:
        if latency := self.portal.settings.latency_seconds:
            with self.locks.held(endpoint, call):
                await self.pause(latency)
                return endpoint.handler(self.portal, call)
        if endpoint.threaded:
            return await asyncio.to_thread(endpoint.handler, self.portal, call)
        return endpoint.handler(self.portal, call)

    async def pause(self, seconds: float) -> None:
        """Let time pass on the portal's clock."""
        await asyncio.sleep(self._real_seconds(seconds))

    def _real_seconds(self, seconds: float) -> float:
        """What of a wait has to pass in real time: nothing when the clock is virtual; it moves on instead."""
        if isinstance(self.portal.clock, VirtualClock):
            self.portal.clock.sleep(seconds)
            return 0.0
        return seconds

    def _account(self, request: Request, endpoint: Endpoint, answer: Answer, rule: FaultRule | None) -> None:
        self.portal.limiter.answered(answer.status)
        if self.ledger.requests % KEEP_TIME_EVERY == 0:
            self.portal.keep_time()
        self.ledger.enter(
            request.method, request.url.path, endpoint.family, answer.status, self.portal.clock.monotonic(),
            rule.kind.value if rule else None,
        )  # fmt: skip

    def _headers(self, endpoint: Endpoint, answer: Answer, correlation: str) -> dict[str, str]:
        headers = {"x-hubspot-correlation-id": correlation, **answer.headers}
        return headers if answer.status == 401 else headers | self.portal.limiter.headers(endpoint.family)

    async def _deliver(self, answer: Answer, headers: dict[str, str], rule: FaultRule | None) -> Response:
        if rule and answer.status < 400:
            return self._damaged(answer, headers, rule)
        return _response(answer, headers)

    def _damaged(self, answer: Answer, headers: dict[str, str], rule: FaultRule) -> Response:
        match rule.kind:
            case Kind.RESET_BEFORE | Kind.RESET_AFTER:
                return Hangup(reset=True)
            case Kind.DROP_AFTER_WRITE:
                return Hangup()
            case Kind.COMMIT_THEN_TIMEOUT:
                return Hangup(self._real_seconds(rule.seconds))
            case Kind.BAD_GATEWAY:
                return Response(faults.HTML_PAGE, rule.status or 502, media_type="text/html")
            case Kind.HTML:
                return Response(faults.HTML_PAGE, rule.status or 200, media_type="text/html")
            case Kind.TRUNCATED:
                body = orjson.dumps(answer.body)
                return Response(body[: len(body) // 2], answer.status, headers, JSON_TYPE)
            case Kind.DRIP:
                body = orjson.dumps(answer.body)
                return dripping(body, answer.status, headers, JSON_TYPE, self.pause, rule.seconds)
            case Kind.MISSING_RESULTS:
                plan = self.faults.plan
                answer = faults.without_some_results(answer, plan.seed, self.ledger.requests)
        return _response(answer, headers)


def _response(answer: Answer, headers: dict[str, str]) -> Response:
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(orjson.dumps(answer.body), answer.status, headers, JSON_TYPE)
