"""HubSpot's error envelope, and the errors whose wording is documented or recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

VALIDATION = "VALIDATION_ERROR"
SCOPES_PAGE = "https://developers.hubspot.com/scopes"
OAUTH_PAGE = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


class ApiError(Exception):
    """A request that the portal refuses as a whole; `body` is the envelope without its correlation id."""

    def __init__(self, status: int, message: str, category: str | None = VALIDATION, **extra: Any):
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.row_context: dict[str, list[str]] = {}
        self.body: dict[str, Any] = {"status": "error", "message": message, **extra}
        if category:
            self.body["category"] = category


def bad_request(message: str, **extra: Any) -> ApiError:
    """A 400 of the category VALIDATION_ERROR."""
    return ApiError(400, message, **extra)


def not_found(message: str, **extra: Any) -> ApiError:
    """A 404 of the category OBJECT_NOT_FOUND."""
    return ApiError(404, message, "OBJECT_NOT_FOUND", **extra)


def unauthenticated() -> ApiError:
    """No token, or a wrong one."""
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        f"details at {OAUTH_PAGE}"
    )
    return ApiError(401, message, "INVALID_AUTHENTICATION")


def missing_scopes(scopes: Sequence[str], schemas: bool = False) -> ApiError:
    """The token lacks scopes; the schema endpoints answer in a shape of their own."""
    required = "One or more of the following scopes are required."
    granular = {"requiredGranularScopes": list(scopes)}
    if schemas:
        return ApiError(403, required, "MISSING_SCOPES", context={**granular, "links": [SCOPES_PAGE]})
    message = (
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        f"{SCOPES_PAGE}."
    )
    detail = {"message": required, "context": granular}
    return ApiError(403, message, "MISSING_SCOPES", errors=[detail], links={"scopes": SCOPES_PAGE})


def unknown_object_type(name: str) -> ApiError:
    """A type that this portal does not have; the answer carries no category."""
    return ApiError(400, f"Unable to infer object type from: {name}", None)


def too_many_inputs(limit: int, history: bool = False) -> ApiError:
    """More inputs than one batch may hold."""
    what = "batch request for property histories" if history else "batch"
    return bad_request(
        f"The maximum number of inputs supported in a {what} is {limit}. "
        "Please reduce the number of items and try again"
    )


def duplicate_ids(ids: Sequence[str]) -> ApiError:
    """The same record twice in one batch: the whole request is refused."""
    return bad_request(
        f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique", context={"ids": list(ids)}
    )


def not_unique(type_id: str, name: str, portal_id: int) -> ApiError:
    """idProperty names a property that does not identify records."""
    return bad_request(
        f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal_id}"
    )


def objects_not_found(type_name: str, ids: Sequence[str]) -> dict[str, Any]:
    """One error for all unknown ids of a batch. It carries no trace id."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {type_name} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "context": {"ids": list(ids)},
    }


def invalid_properties_message(problems: Sequence[dict[str, Any]]) -> str:
    """The message that carries the whole validation result as JSON text."""
    return "Property values were not valid: " + json.dumps(list(problems), separators=(",", ":"), ensure_ascii=False)


def problem_details(problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same result as the `errors` list of the envelope."""
    return [
        {"message": problem["message"], "code": problem["error"], "context": {"propertyName": [problem["name"]]}}
        for problem in problems
    ]


def invalid_properties(problems: Sequence[dict[str, Any]]) -> ApiError:
    """Property values that do not fit their definitions, over all inputs of the request."""
    return bad_request(invalid_properties_message(problems), errors=problem_details(problems))
