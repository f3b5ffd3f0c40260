"""Laboratory orders with their items, specimens, reports and reviews."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visit_codes, visits
from ennu_lib.clinic.labs_metrics import VENDORS, lab_codes, metrics, printed_names
from ennu_lib.clinic.labs_panels import CLINIC_PANELS, panel_members
from ennu_lib.clinic.labs_words import GENERAL, GROUP_OF_PANEL, interpretations
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    day_number,
    moments,
    pick,
    rank_within,
    sample,
    sometimes,
    spread,
    word_wheel,
    workday,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster, draw_users

ORDERS = "_orders"
VENDOR_SHARES = [46, 36, 11, 7]
FROM_VISITS = 0.62
FASTING = "_fasting"
FASTING_OF_PANEL = {"Comprehensive": 0.85, "Metabolic": 0.8, "Cardiac": 0.75}


@lru_cache(maxsize=1)
def panel_wheel() -> Wheel:
    """Which panel an order asks for."""
    shares = clinic_table("lab_order_panels")
    return Wheel(shares["panel"], shares["share"].to_numpy())


def lab_orders(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_orders`; chunk.frames["_orders"] keeps what the generators of items and results need."""
    rng = chunk.rng("lab_orders")
    people = registrations(chunk)
    row, day, encounter = _occasions(rng, chunk, chunk.rows_for("lab_orders"))
    n = len(row)
    today = day_number(chunk.as_of)
    vendor, site = _laboratories(rng, chunk, row)
    collected = day + np.where(chance(rng, n, 0.45), 0, rng.integers(1, 12, n))
    resulted = collected + rng.integers(1, 6, n) + np.where(vendor == 2, -1, 0)
    collected_second = rng.integers(26, 44, n) * 900 + rng.integers(0, 900, n)
    same_day = resulted == collected
    resulted_second = np.where(same_day, collected_second + rng.integers(3_600, 25_000, n), any_seconds(rng, n))
    status = pick(rng, n, {"complete": 955, "cancelled": 26, "ordered": 14, "collected": 5}).to_numpy().astype(object)
    status[(status == "complete") & (resulted > today)] = "processing"
    status[(status == "complete") & (collected > today)] = "ordered"
    status[np.isin(status, ["processing", "collected"]) & (collected > today)] = "ordered"
    drawn = np.isin(status, ["complete", "processing", "collected"])
    orders = pl.DataFrame(
        {
            "order_id": chunk.take_keys("lab_orders", n),
            "row": row,
            "patient_id": people["patient_id"].to_numpy()[row],
            "day": day,
            "vendor": vendor,
            "site": site,
            "encounter_id": encounter,
            "panel": panel_wheel().indices(rng, n),
            "status": pl.Series(values=status.tolist(), dtype=pl.String),
            "collected": collected,
            "collected_second": collected_second,
            "resulted": resulted,
            "resulted_second": resulted_second,
            "is_drawn": drawn,
            "is_complete": status == "complete",
            "provider_id": Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], day),
        }
    )
    chunk.frames[ORDERS] = orders
    return {"lab_orders": _frame(chunk, rng, orders)}


def orders(chunk: Chunk) -> pl.DataFrame:
    """What `lab_orders` left for the generators after it."""
    return chunk.frames[ORDERS]


def _occasions(rng: np.random.Generator, chunk: Chunk, n: int) -> tuple[np.ndarray, np.ndarray, pl.Series]:
    """Patient, day and visit of each order: most are written at a visit, the rest by protocol in between."""
    people, seen = registrations(chunk), visits(chunk)
    suits = seen.filter(~pl.col("kind").is_in(["injection", "pellet"]))
    at = sample(rng, len(suits), min(int(n * FROM_VISITS), len(suits)))
    row = spread(rng, people["activity"].to_numpy() + 1e-9, n - len(at))
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    day = workday(first + ((last - first) * rng.random(len(row))).astype(np.int64))
    row = np.r_[suits["row"].to_numpy()[at], row]
    day = np.r_[suits["day"].to_numpy()[at], day]
    encounter = np.r_[suits["encounter_id"].to_numpy()[at].astype(float), np.full(len(day) - len(at), np.nan)]
    order = np.lexsort((row, day))
    return row[order], day[order], pl.Series(encounter[order], nan_to_null=True).cast(pl.Int64)


def _laboratories(rng: np.random.Generator, chunk: Chunk, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vendor and laboratory of each order; a patient usually stays with one laboratory."""
    sites = chunk.reference["lab_facilities"]
    people = len(registrations(chunk))
    usual = Wheel(list(range(len(VENDORS))), VENDOR_SHARES).indices(rng, people)
    vendor = np.where(
        chance(rng, len(row), 0.85), usual[row], Wheel([0, 1, 2, 3], VENDOR_SHARES).indices(rng, len(row))
    )
    nth = np.where(chance(rng, len(row), 0.85), rng.integers(0, 1000, people)[row], rng.integers(0, 1000, len(row)))
    site = np.zeros(len(row), dtype=np.int64)
    for number, name in enumerate(VENDORS):
        keys = sites.filter(pl.col("lab_vendor") == name)["lab_facility_id"].to_numpy()
        mine = vendor == number
        site[mine] = keys[nth[mine] % len(keys)]
    return vendor, site


def _frame(chunk: Chunk, rng: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    n = len(orders)
    day, row = orders["day"].to_numpy(), orders["row"].to_numpy()
    drawn, complete = orders["is_drawn"].to_numpy(), orders["is_complete"].to_numpy()
    panel = pl.Series(values=CLINIC_PANELS).gather(orders["panel"])
    last = np.where(complete, orders["resulted"].to_numpy(), day)
    touched = np.minimum(last + rng.integers(0, 25, n), day_number(chunk.as_of))
    number = pl.Series(rng.integers(10**9, 10**10, n)).cast(pl.String)
    return orders.select(
        "order_id",
        "patient_id",
        sometimes(rng, orders["provider_id"], 0.015).alias("ordering_provider"),
        pl.col("site").alias("lab_facility"),
        "encounter_id",
        pl.from_epoch("day", time_unit="d").alias("order_date"),
        sometimes(rng, panel, 0.05).alias("lab_type"),
        pl.col("status").alias("order_status"),
        sometimes(rng, pick(rng, n, {"routine": 95, "stat": 5}), 0.05).alias("priority"),
        blanked(moments(orders["collected"].to_numpy(), orders["collected_second"].to_numpy()), ~drawn).alias(
            "collection_date"
        ),
        blanked(moments(orders["resulted"].to_numpy(), orders["resulted_second"].to_numpy()), ~complete).alias(
            "result_date"
        ),
        blanked(number, ~drawn).alias("accession_number"),
        sometimes(rng, visit_codes(chunk, rng, row), 0.2).alias("diagnosis_code"),
        pick(rng, n, {"patient": 58, "insurance": 30, "clinic": 12}).alias("bill_to"),
        sometimes(rng, word_wheel("order_note", "lab_words").draw(rng, n), 0.55).alias("provider_notes"),
        moments(day, any_seconds(rng, n)).alias("created_at"),
        moments(touched, rng.integers(79_200, DAY_SECONDS, n)).alias("last_updated"),
        pl.Series("is_deleted", chance(rng, n, 0.004)),
    )


def order_papers(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_order_items`, `lab_specimens`, `lab_reports`, `lab_result_reviews`."""
    return {
        "lab_order_items": _items(chunk),
        "lab_specimens": _specimens(chunk),
        "lab_reports": _reports(chunk),
        "lab_result_reviews": _reviews(chunk),
    }


def _items(chunk: Chunk) -> pl.DataFrame:
    """The panel of every order, then single tests beside it."""
    rng = chunk.rng("lab_order_items")
    made = orders(chunk)
    n = len(made)
    extra = spread(rng, np.ones(n), max(chunk.rows_for("lab_order_items") - n, 0))
    at = np.sort(np.r_[np.arange(n), extra])
    rank = rank_within(at)
    is_panel = rank == 0
    kind, vendor = made["panel"].to_numpy()[at], made["vendor"].to_numpy()[at]
    members = [panel_members(name) for name in CLINIC_PANELS]
    sizes = np.array([len(part) for part in members])
    starts = np.cumsum(sizes) - sizes
    metric = np.concatenate(members)[starts[kind] + (rank * 7 + made["row"].to_numpy()[at]) % sizes[kind]]
    panels = chunk.reference["lab_panels"]
    panel_key = panels["panel_id"].to_numpy()[np.minimum(kind + vendor * len(CLINIC_PANELS), len(panels) - 1)]
    panel_name = pl.Series(values=[f"{name} Panel" for name in CLINIC_PANELS]).gather(kind)
    test_name = pl.Series(values=printed_names().ravel().tolist()).gather(vendor * len(metrics()) + metric)
    test_code = pl.Series(values=lab_codes().ravel().tolist()).gather(vendor * len(metrics()) + metric)
    status = (
        made["status"].gather(at).replace_strict({"complete": "complete", "cancelled": "cancelled"}, default="ordered")
    )
    m = len(at)
    return pl.DataFrame(
        {
            "order_item_id": chunk.take_keys("lab_order_items", m),
            "order_id": made["order_id"].gather(at),
            "panel_id": blanked(panel_key, ~is_panel & chance(rng, m, 0.55)),
            "test_code": blanked(test_code, chance(rng, m, 0.015)),
            "test_description": pl.select(
                pl.when(pl.Series(is_panel)).then(panel_name).otherwise(test_name)
            ).to_series(),
            "order": rank + 1,
            "item_status": status,
            "price": sometimes(rng, pl.Series(rng.integers(2, 60, m) * 2.5), 0.2),
            "created_at": moments(made["day"].to_numpy()[at], any_seconds(rng, m)),
        }
    )


def _specimens(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("lab_specimens")
    drawn = orders(chunk).filter("is_drawn")
    n = len(drawn)
    panel = pl.Series(values=CLINIC_PANELS).gather(drawn["panel"])
    fasting = chance(rng, n, panel.replace_strict(FASTING_OF_PANEL, default=0.4, return_dtype=pl.Float64).to_numpy())
    kind = np.where((panel == "CBC").to_numpy(), "whole blood", np.where(chance(rng, n, 0.88), "serum", "plasma"))
    flag = np.where(chance(rng, n, 0.03), "U", np.where(fasting, "Y", "N"))
    collected, second = drawn["collected"].to_numpy(), drawn["collected_second"].to_numpy()
    later = np.minimum(collected + rng.integers(0, 2, n), day_number(chunk.as_of))
    specimens = drawn.select(
        pl.Series("specimen_id", chunk.take_keys("lab_specimens", n)),
        "order_id",
        pl.format("S{}", pl.col("order_id") + 700_000).alias("specimen_number"),
        pl.Series("specimen_type", kind),
        sometimes(rng, pick(rng, n, {"SST gold": 70, "lavender EDTA": 22, "red top": 8}), 0.1).alias("container"),
        moments(collected, second).alias("collected_at"),
        sometimes(rng, draw_users(rng, chunk, n), 0.3).alias("collected_by"),
        sometimes(rng, pl.Series(flag), 0.12).alias("fasting_flag"),
        sometimes(rng, pick(rng, n, {"N": 88, "Y": 12}), 0.1).alias("timed_flag"),
        blanked(rng.integers(8, 15, n), ~fasting | chance(rng, n, 0.15)).alias("fasting_hours"),
        sometimes(rng, word_wheel("specimen_condition", "lab_words").draw(rng, n), 0.93).alias("condition_text"),
        sometimes(rng, moments(later, 64_000 + rng.integers(0, 15_000, n)), 0.1).alias("received_at"),
    )
    chunk.frames[FASTING] = specimens.select("order_id", "fasting_flag")
    return specimens


def _reports(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("lab_reports")
    done = orders(chunk).filter("is_complete")
    n = len(done)
    reported = moments(done["resulted"].to_numpy(), done["resulted_second"].to_numpy())
    chunk.frames["_reports"] = done.select("order_id", pl.Series("report_id", chunk.take_keys("lab_reports", n)))
    return chunk.frames["_reports"].select(
        "report_id",
        "order_id",
        sometimes(rng, done["site"], 0.02).alias("lab_facility_id"),
        pl.format("R{}", pl.col("order_id") + 3_000_000).alias("report_number"),
        pick(rng, n, {"final": 96, "corrected": 3, "preliminary": 1}).alias("report_status"),
        moments(done["collected"].to_numpy(), done["collected_second"].to_numpy()).alias("collected_at"),
        sometimes(rng, moments(done["collected"].to_numpy(), 64_000 + rng.integers(0, 15_000, n)), 0.05).alias(
            "received_at"
        ),
        reported.alias("reported_at"),
        sometimes(rng, pl.Series(rng.integers(1, 9, n)), 0.1).alias("page_count"),
        reported.alias("last_updated"),
    )


def _reviews(chunk: Chunk) -> pl.DataFrame:
    """Sign-offs, nearly all within three days of the result."""
    rng = chunk.rng("lab_result_reviews")
    done = orders(chunk).filter("is_complete")
    done = done[sample(rng, len(done), chunk.rows_for("lab_result_reviews"))]
    n = len(done)
    today = day_number(chunk.as_of)
    delay = np.where(chance(rng, n, 0.93), rng.integers(0, 3, n), rng.integers(3, 25, n))
    day = np.minimum(done["resulted"].to_numpy() + delay, today)
    second = np.where(
        delay == 0, np.minimum(done["resulted_second"].to_numpy() + 1800, DAY_SECONDS - 1), any_seconds(rng, n)
    )
    pending = (today - day < 6) & chance(rng, n, 0.5)
    told = ~pending & chance(rng, n, 0.86)
    about = pl.Series(values=[GROUP_OF_PANEL.get(name, GENERAL) for name in CLINIC_PANELS]).gather(done["panel"])
    told_day = np.minimum(day + rng.integers(0, 4, n), today)
    return done.select(
        pl.Series("review_id", chunk.take_keys("lab_result_reviews", n)),
        "order_id",
        sometimes(rng, done["provider_id"], 0.012).alias("provider_id"),
        pl.Series("review_status", np.where(pending, "pending", np.where(chance(rng, n, 0.8), "signed", "reviewed"))),
        blanked(moments(day, second), pending).alias("reviewed_at"),
        blanked(interpretations(rng, about), pending | chance(rng, n, 0.08)).alias("interpretation"),
        sometimes(rng, word_wheel("follow_up", "lab_words").draw(rng, n), 0.28).alias("follow_up"),
        pl.Series("patient_notified", np.where(told, "Y", "N")),
        blanked(moments(told_day, rng.integers(79_000, DAY_SECONDS, n)), ~told).alias("notified_at"),
        blanked(pick(rng, n, {"portal": 60, "phone": 22, "email": 15, "letter": 3}), ~told).alias("notify_method"),
        moments(told_day, DAY_SECONDS - 60).alias("last_updated"),
    )
