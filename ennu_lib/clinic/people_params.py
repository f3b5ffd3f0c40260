"""Typed form of the `people` section of `params/clinic.yml`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ennu_lib.clinic.params import ClinicParams, Share
from ennu_lib.errors import ConfigurationError

Weight = Annotated[float, Field(ge=0)]

DUPLICATE_KINDS = (
    "exact_reregistration",
    "name_typo",
    "nickname",
    "swapped_names",
    "birth_date_typo",
    "birth_date_day_month",
    "married_and_moved",
    "missing_fields",
    "contact_changed",
    "accents_dropped",
    "mojibake_name",
    "merged_earlier",
)
TRAP_KINDS = ("twin_trap", "junior_senior_trap", "shared_ssn_trap", "namesake_trap")


class PeopleParams(BaseModel):
    """Who the patients are: how many are registered twice and in which way, and how they live together.

    `duplicate_share` is the share of patient rows that are a second registration of a person who has a row already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    opened: date = date(2014, 3, 3)
    duplicate_share: Annotated[float, Field(ge=0, le=0.5)] = 0.08
    duplicate_kinds: dict[str, Weight] = {kind: 1.0 for kind in DUPLICATE_KINDS}
    shared_ssn_share: Share = 0.004
    namesake_share: Share = 0.006
    households: dict[str, Weight] = {"single": 1.0}


def people_params(params: ClinicParams) -> PeopleParams:
    """The `people` section; raises ConfigurationError with every mistake in it."""
    try:
        parsed = PeopleParams.model_validate(params.people)
    except ValidationError as problem:
        mistakes = [f"people.{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()]
        raise ConfigurationError("params/clinic.yml", mistakes) from None
    unknown = sorted(set(parsed.duplicate_kinds) - set(DUPLICATE_KINDS))
    if unknown:
        raise ConfigurationError("params/clinic.yml", [f"people.duplicate_kinds: no such kind: {', '.join(unknown)}"])
    return parsed
