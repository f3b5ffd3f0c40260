"""What an emulated portal is: its subscription, its limits, the scopes of its token, and its open questions.

Sources of the figures: HubSpot's usage guidelines and limits pages as quoted in docs/emulator.md. Where HubSpot's
behaviour is not established, the setting holds the assumption and can be turned the other way.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Tier = Literal["free", "starter", "professional", "enterprise"]
AccountType = Literal["STANDARD", "SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"]

BATCH_INPUTS = 100
HISTORY_INPUTS = 50
ASSOCIATION_CREATE_INPUTS = 2_000
ASSOCIATION_READ_INPUTS = 1_000
ASSOCIATION_ARCHIVE_INPUTS = 100
ASSOCIATION_PAGE = 500
STRING_CHARACTERS = 65_536
SEARCH_PAGE = 200
SEARCH_TOTAL = 10_000
SEARCH_BODY_CHARACTERS = 3_000
SEARCH_GROUPS = 5
SEARCH_FILTERS_PER_GROUP = 6
SEARCH_FILTERS = 18

BURST_BY_TIER: dict[Tier, int] = {"free": 100, "starter": 100, "professional": 190, "enterprise": 190}
ASSOCIATION_BURST_BY_TIER: dict[Tier, int] = {"free": 100, "starter": 100, "professional": 150, "enterprise": 150}
DAILY_BY_TIER: dict[Tier, int] = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}
RECORDS_BY_TYPE = {"0-1": 15_000_000, "0-2": 15_000_000, "0-3": 15_000_000, "0-421": 500_000}

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]


class AdminRule(BaseModel):
    """A property an administrator demands of API writes on the 2026-09 paths, perhaps only when another has a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object_type: str
    requires: str
    when_property: str | None = None
    when_value: str | None = None


class EmulatorSettings(BaseModel):
    """One emulated portal; every field can be changed while it runs."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    portal_id: Count = 44_000_001
    tier: Tier = "enterprise"
    account_type: AccountType = Field(default="STANDARD", description="a sandbox takes no sensitive data")
    time_zone: str = "America/New_York"
    scopes: frozenset[str] | None = Field(default=None, description="None: the token has every scope")
    sensitive_data: bool = Field(default=True, description="the super-admin switch; Enterprise only")

    burst: Count | None = Field(default=None, description="requests per window and app; None: by tier")
    association_burst: Count | None = Field(default=None, description="association requests per window; None: by tier")
    burst_seconds: float = Field(default=10.0, gt=0)
    search_per_second: Count = 5
    daily: Count | None = Field(default=None, description="requests per day and account; None: by tier")
    association_daily: Count = 500_000
    limits_enforced: bool = True
    retry_after_header: bool = False

    search_lag_seconds: Seconds = 5.0
    latency_seconds: Seconds = 0.0
    multi_status_2026_09: bool = Field(
        default=False, description="207 on the 2026-09 paths too, instead of 200 + errors"
    )
    echo_trace_ids: bool = Field(default=False, description="results carry objectWriteTraceId")
    shuffle_results: bool = True
    seed: int = 0

    custom_object_types: Count = 10
    custom_object_records: Count = Field(default=1_000_000, description="over all custom objects together")
    records: dict[str, Count] = Field(
        default_factory=dict, description="record cap by object type id, over the default"
    )
    properties_per_object: Count = 1_000
    properties_per_account: Count = 10_000
    unique_properties_per_object: Count = 10
    associations_per_record: Count = 50_000
    association_labels_per_pair: Count = 50

    archived_record_keeps_unique_value: bool = False
    sensitive_unique_properties: bool = False
    admin_rules: tuple[AdminRule, ...] = ()

    @property
    def burst_limit(self) -> int:
        """Object requests allowed in one window."""
        return BURST_BY_TIER[self.tier] if self.burst is None else self.burst

    @property
    def association_burst_limit(self) -> int:
        """Association requests allowed in one window."""
        return ASSOCIATION_BURST_BY_TIER[self.tier] if self.association_burst is None else self.association_burst

    @property
    def daily_limit(self) -> int:
        """Requests allowed from midnight to midnight in the account's time zone."""
        return DAILY_BY_TIER[self.tier] if self.daily is None else self.daily

    @property
    def sensitive_data_allowed(self) -> bool:
        """Whether sensitive properties can exist: the switch is on, the tier is Enterprise, the account no sandbox."""
        return self.sensitive_data and self.tier == "enterprise" and self.account_type != "SANDBOX"

    def record_limit(self, type_id: str) -> int:
        """The most records a type may hold; custom objects share one account-wide cap."""
        if type_id in self.records:
            return self.records[type_id]
        return self.custom_object_records if type_id.startswith("2-") else RECORDS_BY_TYPE.get(type_id, 15_000_000)
