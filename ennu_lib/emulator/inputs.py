"""One input of a batch write on its way through, and the ways it can be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ennu_lib.emulator.errors import ApiError, invalid_properties_message, problem_details
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.records import Record

CREATE, UPDATE, UPSERT = "create", "update", "upsert"


@dataclass(slots=True)
class Input:
    """What was sent, what was found, and what is to be written; `problems` and `error` say why it is not."""

    position: int
    properties: dict[str, Any]
    trace: str | None = None
    id: str | None = None
    id_property: str | None = None
    associations: list[dict[str, Any]] = field(default_factory=list)
    targets: list[tuple[ObjectType, int, Definition]] = field(default_factory=list)
    record: Record | None = None
    new_id: int = 0
    values: dict[str, str] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    error: ApiError | None = None

    @property
    def good(self) -> bool:
        """Whether nothing speaks against writing it."""
        return not self.problems and self.error is None

    def row_error(self) -> dict[str, Any]:
        """The error of this input in a multi-status answer, found again by its trace id."""
        context: dict[str, Any] = {"objectWriteTraceId": [self.trace]}
        if self.problems:
            return {
                "status": "error",
                "category": "VALIDATION_ERROR",
                "message": invalid_properties_message(self.problems),
                "context": context,
                "errors": problem_details(self.problems),
            }
        assert self.error is not None
        body = self.error.body
        context |= body.get("context", {}) | self.error.row_context
        return {"status": "error", "category": body["category"], "message": body["message"], "context": context}


@dataclass
class Outcome:
    """What a batch did: results in input order, and the errors of the inputs that failed."""

    results: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    created: int = 0


def problem(portal_id: int, code: str, message: str, name: str) -> dict[str, Any]:
    """One entry of a property validation result."""
    return {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
        "portalId": portal_id,
    }


def already_exists(kind: ObjectType, holder: int | None) -> ApiError:
    """The 409 of a taken value; without an id when the holder is in the same batch [recorded]."""
    message = f"{kind.singular} already exists"
    if holder is None:
        return ApiError(409, message, "CONFLICT")
    error = ApiError(409, f"{message}. Existing ID: {holder}", "CONFLICT")
    error.row_context = {"existingId": [str(holder)]}
    return error
