"""The limits file: seeds, ceilings, what is left for others, and the hours of the clinic."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from ennu_lib.config import Strict, load_model, params_dir

Family = Literal["objects", "associations", "search"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class FamilyLimits(Strict):
    """The two budgets of one family of endpoints; a ceiling of None leaves the portal's own limit."""

    burst_seed: int = Field(ge=1)
    burst_seconds: float = Field(default=10.0, gt=0)
    burst_ceiling: int | None = Field(default=None, ge=1)
    day_seed: int | None = Field(default=None, ge=1)
    day_ceiling: int | None = Field(default=None, ge=1)


class LeftForOthers(Strict):
    """The fraction of each budget that this migration never touches."""

    burst: float = Field(default=0.0, ge=0, lt=1)
    day: float = Field(default=0.0, ge=0, lt=1)


class BusinessHours(Strict):
    """Hours during which only `share` of the burst budget is used."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    start: dt.time = Field(alias="from")
    end: dt.time = Field(alias="to")
    share: float = Field(gt=0, le=1)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _clock_time(cls, value: object) -> object:
        if isinstance(value, str) and len(value) == 5:
            return value
        raise ValueError('write a time of day as "08:00", in quotes')

    def now_in_force(self, moment: dt.datetime, zone: ZoneInfo) -> bool:
        """Whether the aware `moment` falls into these hours in `zone`."""
        local = moment.astimezone(zone)
        return DAYS[local.weekday()] in self.days and self.start <= local.time() < self.end


class LimitParams(Strict):
    """The file limits.yml."""

    families: dict[Family, FamilyLimits]
    left_for_others: LeftForOthers = LeftForOthers()
    business_hours: BusinessHours | None = None

    @field_validator("families")
    @classmethod
    def _all_families(cls, families: dict[Family, FamilyLimits]) -> dict[Family, FamilyLimits]:
        if missing := sorted({"objects", "associations", "search"} - set(families)):
            raise ValueError(f"limits of {', '.join(missing)} are missing")
        return families


def load_limits(path: Path | None = None) -> LimitParams:
    """Read limits.yml (default params/portal/limits.yml). Raises ConfigurationError with every mistake."""
    return load_model(path or params_dir() / "portal" / "limits.yml", LimitParams)


def flat_limits(burst: int, day: int, association_burst: int = 150, association_day: int = 500_000) -> LimitParams:
    """Limits without a file: the given seeds, nothing left for others, no business hours."""
    return LimitParams(
        families={
            "objects": FamilyLimits(burst_seed=burst, day_seed=day),
            "associations": FamilyLimits(burst_seed=association_burst, day_seed=association_day),
            "search": FamilyLimits(burst_seed=4, burst_seconds=1.0),
        }
    )
