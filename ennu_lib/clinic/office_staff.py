"""The clinic's staff: employees, their user accounts, and the clinicians among them with credentials and sites."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.check_digits import npis
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import names, numbered, repeated, shifted_to_weekday, yes_no
from ennu_lib.clinic.people_draw import any_seconds, blanked, chance, dates, day_number, moments, pick, sometimes

OPENED = date(2014, 3, 3)
DOMAIN = "ennu-clinic.example"
SHARE_OF_USERS_WITHOUT_EMPLOYEE = 0.08
SHARE_OF_EXTERNAL_PROVIDERS = 0.05
FOUNDING_PROVIDERS = 6
LEAST = {"employees": 24, "staff_users": 26, "providers": 8}  # even where code lists are kept very short

CLINICIANS = {"Physician": 45, "Nurse Practitioner": 50, "Physician Assistant": 30, "Health Coach": 15}
OTHER_ROLES = {
    "Registered Nurse": 30,
    "Medical Assistant": 60,
    "Phlebotomist": 25,
    "Front Desk": 50,
    "Billing": 22,
    "Manager": 18,
    "IT": 8,
    "Other": 12,
}
TITLES = {
    "Physician": ["MD", "DO"],
    "Nurse Practitioner": ["APRN", "NP-C", "FNP-BC"],
    "Physician Assistant": ["PA-C"],
    "Health Coach": ["NBC-HWC", "RD"],
}
TAXONOMY = {
    "Physician": "207Q00000X",
    "Nurse Practitioner": "363L00000X",
    "Physician Assistant": "363A00000X",
    "Health Coach": "171M00000X",
}
SPECIALTIES = {
    "Family Medicine": 5,
    "Internal Medicine": 5,
    "Endocrinology": 3,
    "Anti-Aging and Regenerative Medicine": 4,
    "Women's Health": 3,
    "Urology": 2,
    "Obesity Medicine": 2,
    "Nutrition": 1,
}
SYSTEM_USERS = [
    "admin",
    "system",
    "hl7_interface",
    "zoom_sync",
    "woo_sync",
    "wp_amelia",
    "batch",
    "kiosk",
    "api",
    "migration",
]


def _rows(chunk: Chunk, table: str) -> int:
    return max(chunk.rows_for(table), LEAST[table])


def employees(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`employees`: the first ones are the clinicians from whom `providers` are made."""
    rng = chunk.rng("employees")
    n = _rows(chunk, "employees")
    clinicians = _employed_clinicians(chunk, n)
    roles = pl.concat([pick(rng, clinicians, CLINICIANS), pick(rng, n - clinicians, OTHER_ROLES)])
    given, family = names(rng, n)
    hired, left = _employment(rng, n, chunk.as_of)
    on_leave = np.isnan(left) & chance(rng, n, 0.03)
    keys = chunk.take_keys("employees", n)
    facility = chunk.reference["facilities"]["facility_id"]
    return {
        "employees": pl.DataFrame(
            {
                "employee_id": keys,
                "EmployeeNo": numbered("E", keys + 1000, 5),
                "FirstName": given,
                "LastName": family,
                "display_name": given + " " + family,
                "role": roles,
                "position": sometimes(rng, pick(rng, n, ["", "Senior ", "Lead "]) + roles, 0.05),
                "department": sometimes(rng, _department(roles), 0.1),
                "facility_id": sometimes(rng, facility.gather(rng.integers(0, len(facility), n)), 0.05),
                "supervisor": sometimes(rng, pl.Series(values=rng.choice(keys[: max(1, n // 10)], n)), 0.1),
                "hire_date": dates(hired),
                "end_date": _maybe_dates(left),
                "status": pl.Series(
                    values=np.where(on_leave, "on_leave", np.where(np.isnan(left), "active", "terminated"))
                ),
                "work_phone": sometimes(rng, "813-555-" + numbered("", rng.integers(0, 10_000, n), 4), 0.2),
                "email": sometimes(rng, _addresses(given, family), 0.05),
                "DateTStamp": moments(hired + 30, any_seconds(rng, n)),
            }
        )
    }


def _employed_clinicians(chunk: Chunk, staff: int) -> int:
    return min(staff // 2, round(_rows(chunk, "providers") * (1 - SHARE_OF_EXTERNAL_PROVIDERS)))


def _department(roles: pl.Series) -> pl.Series:
    office = {"Front Desk": "Reception", "Billing": "Finance", "Manager": "Administration", "IT": "Administration"}
    return roles.replace_strict({**office, "Phlebotomist": "Laboratory"}, default="Clinical", return_dtype=pl.String)


def _employment(rng: np.random.Generator, n: int, as_of: date) -> tuple[np.ndarray, np.ndarray]:
    """First day and last day (NaN while employed), as days since 1970-01-01; the founders stay to this day."""
    first, today = day_number(OPENED), day_number(as_of)
    hired = shifted_to_weekday(rng.integers(first, today - 45, n))
    founders = np.arange(n) < FOUNDING_PROVIDERS
    hired[founders] = first
    gone = ~founders & chance(rng, n, 0.25) & (today - hired > 120)
    left = hired + 90 + rng.random(n) * (today - hired - 91)
    return hired, np.where(gone, np.floor(left), np.nan)


def _maybe_dates(days: np.ndarray) -> pl.Series:
    return blanked(dates(np.nan_to_num(days)), np.isnan(days))


def _plain(text: pl.Series) -> pl.Series:
    """Lower-case letters only, accents dropped, for login names and addresses."""
    return text.str.normalize("NFKD").str.to_lowercase().str.replace_all("[^a-z]", "")


def _addresses(given: pl.Series, family: pl.Series) -> pl.Series:
    """Work addresses; namesakes get a number."""
    return _distinct(_plain(given) + "." + _plain(family)) + "@" + DOMAIN


def _distinct(values: pl.Series) -> pl.Series:
    """The values, each repetition with a number behind it."""
    nth = values.to_frame("v").select(pl.int_range(pl.len()).over("v")).to_series().cast(pl.String)
    return pl.select(pl.when(nth == "0").then(values).otherwise(values + nth)).to_series()


def staff_users(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`staff_users`: one account per employee, then system and interface accounts without an employee."""
    rng = chunk.rng("staff_users")
    n = _rows(chunk, "staff_users")
    people = chunk.reference["employees"].head(round(n * (1 - SHARE_OF_USERS_WITHOUT_EMPLOYEE)))
    machines = n - people.height
    frame = pl.concat([_people_accounts(people), _machine_accounts(machines)], how="diagonal_relaxed")
    created = frame["hired"].to_numpy()
    today = day_number(chunk.as_of)
    last_seen = np.where(frame["is_active"].to_numpy(), today - rng.integers(0, 20, n), created + 60)
    return {
        "staff_users": frame.drop("hired").with_columns(
            pl.Series("user_id", values=chunk.take_keys("staff_users", n)),
            _distinct(frame["username"]).alias("username"),
            pl.Series("see_auth", values=rng.integers(1, 4, n)),
            moments(created, any_seconds(rng, n)).alias("created_at"),
            sometimes(rng, moments(last_seen, any_seconds(rng, n)), 0.1).alias("last_login"),
            moments(last_seen, any_seconds(rng, n)).alias("modified_at"),
        )
    }


def _people_accounts(people: pl.DataFrame) -> pl.DataFrame:
    clinical = ["Front Desk", "Billing", "Manager", "IT", "Other"]
    return people.select(
        "employee_id",
        (_plain(people["FirstName"]).str.slice(0, 1) + _plain(people["LastName"])).alias("username"),
        pl.col("FirstName").alias("first_name"),
        pl.col("LastName").alias("last_name"),
        "email",
        pl.when(pl.col("role").is_in(clinical)).then(pl.lit("office")).otherwise(pl.lit("clinical")).alias("user_type"),
        (pl.col("status") != "terminated").alias("is_active"),
        "facility_id",
        pl.col("hire_date").to_physical().cast(pl.Int64).alias("hired"),
    )


def _machine_accounts(n: int) -> pl.DataFrame:
    position = np.arange(n)
    return pl.DataFrame(
        {
            "username": pl.Series(values=(SYSTEM_USERS * (n // len(SYSTEM_USERS) + 1))[:n], dtype=pl.String),
            "user_type": pl.Series(values=np.where(position % 3 == 0, "interface", "system").tolist(), dtype=pl.String),
            "is_active": pl.Series(values=position % 4 != 3),
            "hired": pl.Series(values=np.full(n, day_number(OPENED)), dtype=pl.Int64),
        }
    )


def providers(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`providers`: the clinicians among the employees, and a few from outside without a user account."""
    rng = chunk.rng("providers")
    n = _rows(chunk, "providers")
    staff = chunk.reference["employees"]
    own = staff.head(_employed_clinicians(chunk, staff.height)).join(
        chunk.reference["staff_users"].select("employee_id", "user_id"),
        on="employee_id",
        how="left",
        maintain_order="left",
    )
    own = own.select(
        "user_id",
        pl.col("FirstName").alias("first_name"),
        pl.col("LastName").alias("last_name"),
        "role",
        "email",
        "hire_date",
        "end_date",
        pl.col("facility_id").alias("primary_facility_id"),
    )
    frame = pl.concat([own, _outside(rng, n - own.height, chunk.as_of)], how="diagonal_relaxed")
    suffix = _suffixes(rng, frame["role"])
    label = frame["first_name"] + " " + frame["last_name"]
    return {
        "providers": frame.with_columns(
            pl.Series("provider_id", values=chunk.take_keys("providers", n)),
            (label + ", " + suffix).alias("display_name"),
            sometimes(rng, suffix, 0.1).alias("suffix"),
            sometimes(rng, pick(rng, n, SPECIALTIES), 0.03).alias("specialty"),
            npis(rng.choice(90_000_000, n, replace=False) + 120_000_000).alias("npi"),
            sometimes(rng, frame["role"].replace_strict(TAXONOMY), 0.1).alias("taxonomy_code"),
            sometimes(rng, "813-555-" + numbered("", rng.integers(0, 10_000, n), 4), 0.1).alias("phone"),
            yes_no(frame["end_date"].is_null().to_numpy()).alias("is_active"),
            pl.Series("is_deleted", values=np.zeros(n, dtype=bool)),
            moments(np.full(n, day_number(chunk.as_of) - 40), any_seconds(rng, n)).alias("last_updated"),
        )
    }


def _outside(rng: np.random.Generator, n: int, as_of: date) -> pl.DataFrame:
    given, family = names(rng, n)
    hired = shifted_to_weekday(rng.integers(day_number(OPENED) + 365, day_number(as_of) - 200, n))
    return pl.DataFrame(
        {
            "first_name": given,
            "last_name": family,
            "role": pick(rng, n, {"Physician": 3, "Nurse Practitioner": 1}),
            "hire_date": dates(hired),
            "end_date": blanked(dates(hired + 150), chance(rng, n, 0.5)),
        }
    )


def _suffixes(rng: np.random.Generator, roles: pl.Series) -> pl.Series:
    chance_of = rng.random(len(roles))
    chosen = [TITLES[role][int(x * len(TITLES[role]))] for role, x in zip(roles, chance_of, strict=True)]
    return pl.Series(values=chosen)


def provider_locations(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`provider_locations`: the main site first, then others."""
    rng = chunk.rng("provider_locations")
    staff = chunk.reference["providers"]
    sites = chunk.reference["facilities"].filter(pl.col("facility_type").is_in(["clinic", "virtual"]))["facility_id"]
    counts = 1 + rng.integers(0, 3, staff.height)
    parent, nth = repeated(counts)
    first_site = rng.integers(0, len(sites), staff.height)
    site = sites.gather((first_site[parent] + nth * 5) % len(sites))
    n = len(parent)
    return {
        "provider_locations": pl.DataFrame(
            {
                "provider_location_id": chunk.take_keys("provider_locations", n),
                "provider_id": staff["provider_id"].gather(parent),
                "facility_id": site,
                "is_primary": yes_no(nth == 0),
                "from_date": sometimes(rng, staff["hire_date"].gather(parent), 0.1),
                "to_date": staff["end_date"].gather(parent),
            }
        )
    }


REFERENCE = [employees, staff_users, providers, provider_locations]
