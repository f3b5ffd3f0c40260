"""How stored scores are compared with recomputed ones: the typed form of `params/scores/parity.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import Field

from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.scores.preset import Preset


class Boundary(Strict):
    """How near to a bound of its range a value may have been counted on the wrong side: the greater of the two."""

    absolute: Decimal = Field(ge=0)
    relative: Decimal = Field(ge=0, lt=1)
    most_metrics: int = Field(ge=1, le=12)


class ParityRules(Strict):
    """`unnamed`: the preset of a stored score that names none that we have. `age_limits`: days."""

    unnamed: str
    age_limits: list[int] = Field(min_length=1)
    boundary: Boundary
    component_within: Decimal = Field(ge=0)
    value_within: Decimal = Field(ge=0, lt=1)
    at_once: int = Field(ge=1)


def load_parity(path: Path, presets: Mapping[str, Preset]) -> ParityRules:
    """Read the file. Raises ConfigurationError with every mistake, an unknown preset among them."""
    rules = load_model(path, ParityRules)
    if rules.unnamed not in presets:
        raise ConfigurationError(str(path), [f"unnamed: '{rules.unnamed}' is no preset of params/scores"])
    return rules
