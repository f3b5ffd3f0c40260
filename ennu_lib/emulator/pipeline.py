"""What every request passes through: the token, the limits, the handler, the envelope."""

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

from ennu_lib.emulator.calls import Answer, Call, Portal, Version
from ennu_lib.emulator.endpoints import Endpoint
from ennu_lib.emulator.errors import ApiError, unauthenticated

LOG_LENGTH = 10_000
JSON_TYPE = "application/json;charset=utf-8"


@dataclass
class Ledger:
    """What has been asked and answered: counts for ever, the latest requests without their bodies."""

    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    statuses: Counter[int] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def enter(self, method: str, path: str, family: str, status: int, at: float) -> None:
        """Note one request."""
        self.requests += 1
        self.statuses[status] += 1
        self.families[family] += 1
        self.log.append({"n": self.requests, "at": at, "method": method, "path": path, "status": status})


class Pipeline:
    """Serves every endpoint of one portal."""

    def __init__(self, portal: Portal, token: str):
        self.portal = portal
        self.token = token
        self.ledger = Ledger()

    async def serve(self, request: Request, endpoint: Endpoint, version: Version) -> Response:
        """Answer one request."""
        raw = await request.body()
        correlation = str(uuid4())
        try:
            answer = await self._answer(request, raw, endpoint, version)
        except ApiError as error:
            answer = Answer(error.status, {**error.body, "correlationId": correlation}, error.headers)
        self._account(request, endpoint, answer)
        return self._response(endpoint, answer, correlation)

    async def _answer(self, request: Request, raw: bytes, endpoint: Endpoint, version: Version) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise unauthenticated()
        self.portal.limiter.take(endpoint.family)
        if latency := self.portal.settings.latency_seconds:
            await asyncio.sleep(latency)
        query = parse_qs(request.scope["query_string"].decode(), keep_blank_values=True)
        call = Call(version, request.path_params, query, raw, request.headers.get("content-type", ""))
        if endpoint.threaded:
            return await asyncio.to_thread(endpoint.handler, self.portal, call)
        return endpoint.handler(self.portal, call)

    def _account(self, request: Request, endpoint: Endpoint, answer: Answer) -> None:
        if answer.status >= 400:
            self.portal.limiter.errors_today += 1
        at = self.portal.clock.monotonic()
        self.ledger.enter(request.method, request.url.path, endpoint.family, answer.status, at)

    def _response(self, endpoint: Endpoint, answer: Answer, correlation: str) -> Response:
        headers = {"x-hubspot-correlation-id": correlation, **answer.headers}
        if answer.status != 401:
            headers |= self.portal.limiter.headers(endpoint.family)
        if answer.status == 204:
            return Response(status_code=204, headers=headers)
        return Response(orjson.dumps(answer.body), answer.status, headers, JSON_TYPE)
