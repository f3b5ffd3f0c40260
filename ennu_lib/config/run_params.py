"""The parameters of one run: `params/runs/*.yml` as one typed model."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from ennu_lib.config.places import workspace_root
from ennu_lib.config.windows import Window, longest_pause
from ennu_lib.config.yaml_model import Strict, load_model


class ReadingParams(Strict):
    """How hard and when the live database may be read.

    `windows` are hours of the week in `time_zone`; none means always. Outside them the extraction waits, or stops with
    a message and goes on when the run is started again. `max_rows_per_second` caps the load on the server.
    """

    windows: tuple[Window, ...] = ()
    time_zone: str = "UTC"
    outside_windows: Literal["wait", "stop"] = "wait"
    max_rows_per_second: int | None = Field(default=None, ge=1)
    lock_wait_seconds: int = Field(default=20, ge=1, le=3600)
    reconnect_seconds: int = Field(default=120, ge=0)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write for example America/New_York") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the windows."""
        return ZoneInfo(self.time_zone)


class SourceParams(ReadingParams):
    """Where the Open Medical database is. `password` is the name of an environment variable.

    `{workspace}` in the URL stands for the workspace folder, for the SQLite file of a rehearsal. `views` are read like
    tables: some vendors let a reader see nothing else.
    """

    url: str
    password: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    views: tuple[str, ...] = ()
    chunk_rows: int = Field(default=50_000, ge=100, le=1_000_000)

    @field_validator("url")
    @classmethod
    def _has_scheme(cls, url: str) -> str:
        if "://" not in url:
            raise ValueError("not a database URL; write for example sqlite:///clinic.sqlite")
        return url


class EmulatorParams(Strict):
    """A rehearsal portal on this machine: its state file, relative to the workspace folder, and how its time goes.

    On a virtual clock the portal's limits hold as ever, but nobody waits for them: waiting moves the clock on.
    """

    state: str = "portal.sqlite"
    clock: Literal["virtual", "real"] = "virtual"


class TargetParams(Strict):
    """The HubSpot portal: either a URL, or an emulator that the runner starts and stops."""

    url: str | None = None
    emulator: EmulatorParams | None = None
    token: str = "ENNU_PORTAL_TOKEN"
    limits: str = "portal/limits.yml"
    api: Literal["v3", "2026-03", "2026-09"] = "v3"
    workers: int = Field(default=4, ge=1, le=16)

    @model_validator(mode="after")
    def _one_portal(self) -> TargetParams:
        if (self.url is None) == (self.emulator is None):
            raise ValueError("give either a url or an emulator")
        return self


class ClinicParams(Strict):
    """The synthetic clinic that a rehearsal is built with."""

    patients: int = Field(default=500, ge=1)
    seed: int = 25


class ScoreParams(Strict):
    """Which health-score preset is computed."""

    preset: str = "hs-graded-v1"


class RunnerParams(Strict):
    """Limits of the notebook runner: of one cell, of a whole phase by the clock on the wall, and of what it prints.

    The details of 189 tables are 1.5 MB, and twice that with their distributable form.
    """

    cell_minutes: float = Field(default=240, gt=0)
    phase_hours: float = Field(default=72, gt=0)
    output_megabytes: float = Field(default=6, gt=0)


class ReportParams(Strict):
    """Counts about people from 1 up to `suppress_below - 1` are not shown (CMS cell-size rule: 1 to 10)."""

    suppress_below: int = Field(default=11, ge=1)


class RunParams(Strict):
    """Everything a run depends on apart from its data, its code and its secrets."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    environment: Literal["rehearsal", "production"]
    today: dt.date
    key: str = "ENNU_KEY"
    source: SourceParams
    target: TargetParams
    clinic: ClinicParams | None = None
    scores: ScoreParams = ScoreParams()
    runner: RunnerParams = RunnerParams()
    report: ReportParams = ReportParams()

    @model_validator(mode="after")
    def _may_wait_for_a_window(self) -> RunParams:
        pause = longest_pause(self.source.windows).total_seconds() / 60
        if self.source.outside_windows == "wait" and pause >= self.runner.cell_minutes:
            raise ValueError(
                f"source.windows leave pauses of {pause:.0f} minutes, and runner.cell_minutes ends a cell before that; "
                "raise it, or set source.outside_windows to stop"
            )
        return self

    @model_validator(mode="after")
    def _production_is_real(self) -> RunParams:
        if self.environment == "production" and (self.clinic or self.target.emulator):
            raise ValueError("a production run has neither a synthetic clinic nor an emulator")
        return self


def source_url(params: RunParams) -> str:
    """The database URL of a run, with `{workspace}` replaced by the workspace folder."""
    return params.source.url.replace("{workspace}", str(workspace_root()))


def load_run(path: Path) -> RunParams:
    """Read a run file. Raises ConfigurationError with every mistake and its line."""
    return load_model(path, RunParams)
