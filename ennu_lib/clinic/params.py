"""Typed parameters of the clinic builder: `params/clinic.yml`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ennu_lib.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]


class ClinicParams(BaseModel):
    """What the built clinic looks like: its date, its volumes, and the share of rows that carry each defect.

    `old_scores`: the share of stored health scores that the old software computed otherwise than its formula says.
    `people` and `office` hold the sections of the hand-written generators, as plain values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    chunk_patients: Annotated[int, Field(ge=10, le=20_000)] = 2_000
    fixed_table_floor: Annotated[int, Field(ge=1)] = 500
    text_scale: Annotated[float, Field(gt=0, le=20)] = 1.0
    volumes: dict[str, Annotated[float, Field(gt=0)]] = {}
    defects: dict[str, Share] = {}
    old_scores: dict[str, Share] = {}
    people: dict[str, Any] = {}
    office: dict[str, Any] = {}


def load_clinic_params(path: Path) -> ClinicParams:
    """Read `params/clinic.yml`; raises ConfigurationError with every mistake in it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(str(path), ["no such file"]) from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise ConfigurationError(str(path), [f"not valid YAML{line}"]) from None
    if not isinstance(content, dict):
        raise ConfigurationError(str(path), ["expected a mapping of parameter names to values"])
    try:
        return ClinicParams.model_validate(content)
    except ValidationError as problem:
        raise ConfigurationError(str(path), [_one_line(error) for error in problem.errors()]) from None


def _one_line(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg']}"
