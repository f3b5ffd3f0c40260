"""How much a load may have to carry: `params/portal/volumes.yml`, for rehearsals in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from ennu_lib.config import Strict, load_model, params_dir


class LinkVolume(Strict):
    """The links of one association: how many pairs, and how many records they start from."""

    pairs: int = Field(ge=0)
    sources: int = Field(ge=0)

    @model_validator(mode="after")
    def _fits(self) -> LinkVolume:
        if self.sources > self.pairs:
            raise ValueError("there are more sources than pairs")
        return self


class Volume(Strict):
    """Records by object, and links by association."""

    note: str
    records: Mapping[str, int]
    links: Mapping[str, LinkVolume]


class VolumeFile(Strict):
    """The file volumes.yml."""

    latency_seconds: float = Field(ge=0)
    volumes: Mapping[str, Volume]


def load_volumes(path: Path | None = None) -> VolumeFile:
    """Read volumes.yml (default params/portal/volumes.yml). Raises ConfigurationError with every mistake."""
    return load_model(path or params_dir() / "portal" / "volumes.yml", VolumeFile)
