"""Billing tables made once: payers, plans, provider numbers, price lists and the retail catalogue."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, numbered, repeated, yes_no
from ennu_lib.clinic.people_draw import (
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    moments,
    pick,
    sometimes,
    word_wheel,
)

OPENED = date(2014, 3, 3)
HOUSE_PRICES = "House prices"


def insurance_companies(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`insurance_companies`: well-known payers, then small plans and administrators."""
    rng = chunk.rng("insurance_companies")
    known = clinic_table("payers")
    n = max(chunk.rows_for("insurance_companies"), known.height)
    small = n - known.height
    kind = pick(
        rng, small, ["Benefit Administrators", "Health Plan", "Mutual Health", "Employee Trust", "Care Network"]
    )
    number = pl.Series(values=np.arange(small) // 80 + 1).cast(pl.String)
    invented = word_wheel("street").draw(rng, small) + " " + kind + " " + number
    towns = clinic_table("places")
    town = towns[Wheel(towns["zip"], towns["weight"].to_numpy()).indices(rng, n)]
    no_address = chance(rng, n, 0.05)
    return {
        "insurance_companies": pl.DataFrame(
            {
                "payer_id": chunk.take_keys("insurance_companies", n),
                "payer_name": pl.concat([known["name"], invented]),
                "edi_payer_code": pl.concat(
                    [known["edi"], sometimes(rng, numbered("", rng.integers(10_000, 99_999, small), 5), 0.1)]
                ),
                "address_line1": blanked("PO Box " + numbered("", rng.integers(100, 99_999, n), 5), no_address),
                "city": blanked(town["city"], no_address),
                "state": blanked(town["state"], no_address),
                "zip_code": blanked(town["zip"], no_address),
                "phone": sometimes(rng, "800-555-" + numbered("", rng.integers(0, 10_000, n), 4), 0.1),
                "payer_type": pl.concat([known["payer_type"], pick(rng, small, {"commercial": 9, "other": 1})]),
                "is_active": yes_no((np.arange(n) < known.height) | ~chance(rng, n, 0.15)),
                "DateTStamp": moments(np.full(n, day_number(chunk.as_of) - 200), any_seconds(rng, n)),
            }
        )
    }


def insurance_plans(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`insurance_plans`: at least one plan per payer, more for the large ones."""
    rng = chunk.rng("insurance_plans")
    payers = chunk.reference["insurance_companies"]
    n = max(chunk.rows_for("insurance_plans"), payers.height)
    large = rng.integers(0, clinic_table("payers").height, n - payers.height)
    payer = np.sort(np.r_[np.arange(payers.height), large])
    kind = pick(rng, n, {"PPO": 5, "HMO": 3, "EPO": 1, "POS": 1, "HDHP": 2})
    tier = pick(rng, n, ["Choice", "Select", "Value", "Premier", "Open Access", "Silver", "Gold"])
    start = rng.integers(day_number(OPENED), day_number(chunk.as_of) - 400, n)
    schedules = chunk.reference["fee_schedules"].filter(pl.col("name") != HOUSE_PRICES)["fee_schedule_id"]
    return {
        "insurance_plans": pl.DataFrame(
            {
                "plan_id": chunk.take_keys("insurance_plans", n),
                "payer_id": payers["payer_id"].gather(payer),
                "plan_name": payers["payer_name"].gather(payer) + " " + tier + " " + kind,
                "plan_type": kind,
                "group": sometimes(rng, numbered("G", rng.integers(1000, 999_999, n), 6), 0.4),
                "in_network": chance(rng, n, 0.6),
                "fee_schedule_id": sometimes(rng, schedules.gather(rng.integers(0, len(schedules), n)), 0.5),
                "effective_from": sometimes(rng, dates(start), 0.1),
                "effective_to": blanked(dates(start + 365), ~chance(rng, n, 0.2)),
                "last_updated": moments(start + 10, any_seconds(rng, n)),
            }
        )
    }


def provider_numbers(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`insurance_provider_numbers`."""
    rng = chunk.rng("insurance_provider_numbers")
    n = chunk.rows_for("insurance_provider_numbers")
    staff, payers = chunk.reference["providers"], clinic_table("payers").height
    pair = np.sort(rng.choice(staff.height * payers, min(n, staff.height * payers), replace=False))
    n = len(pair)
    return {
        "insurance_provider_numbers": pl.DataFrame(
            {
                "ins_provider_id": chunk.take_keys("insurance_provider_numbers", n),
                "provider_id": staff["provider_id"].gather(pair // payers),
                "payer_id": chunk.reference["insurance_companies"]["payer_id"].gather(pair % payers),
                "provider_number": numbered("PN", rng.integers(1, 10**7, n), 8),
                "effective_from": sometimes(rng, staff["hire_date"].gather(pair // payers), 0.1),
                "effective_to": staff["end_date"].gather(pair // payers),
            }
        )
    }


def fee_schedules(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`fee_schedules`: one house price list per year, then contracted lists."""
    n = max(2, chunk.rows_for("fee_schedules"))
    payers = chunk.reference["insurance_companies"]
    position = np.arange(n)
    house = position == 0
    year = 2014 + position % 12
    return {
        "fee_schedules": pl.DataFrame(
            {
                "fee_schedule_id": chunk.take_keys("fee_schedules", n),
                "name": pl.select(
                    pl.when(pl.Series(values=house))
                    .then(pl.lit(HOUSE_PRICES))
                    .otherwise(payers["payer_name"].gather(position) + " contract")
                ).to_series(),
                "payer_id": blanked(payers["payer_id"].gather(position), house),
                "effective_from": pl.select(pl.date(pl.Series(values=year), 1, 1)).to_series(),
                "effective_to": blanked(
                    pl.select(pl.date(pl.Series(values=year + 4), 12, 31)).to_series(), position % 3 != 2
                ),
                "currency": pl.Series(values=["USD"]).new_from_index(0, n),
                "is_default": house,
            }
        )
    }


def fee_schedule_items(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`fee_schedule_items`: the house price list covers every code the clinic bills, the others a part of it."""
    rng = chunk.rng("fee_schedule_items")
    n = chunk.rows_for("fee_schedule_items")
    codes = chunk.reference["procedure_codes_cpt"].filter(pl.col("default_fee").is_not_null())
    schedules = chunk.reference["fee_schedules"]["fee_schedule_id"]
    base = (codes["default_fee"].cast(pl.Float64) * 100).round().cast(pl.Int64).to_numpy()
    house = min(codes.height, max(n // len(schedules), clinic_table("codes_cpt").height))
    others = min(max(0, n - house) // (len(schedules) - 1), codes.height)
    schedule, code = repeated(np.r_[house, np.full(len(schedules) - 1, others)])
    rows = len(code)
    contracted = np.where(schedule == 0, 100, 55 + schedule * 37 % 40)
    return {
        "fee_schedule_items": pl.DataFrame(
            {
                "fee_item_id": chunk.take_keys("fee_schedule_items", rows),
                "fee_schedule_id": schedules.gather(schedule),
                "code": codes["code"].gather(code),
                "Fee": money(base[code] * contracted // 100),
                "modifier": blanked(pick(rng, rows, ["25", "59", "TC", "95"]), ~chance(rng, rows, 0.05)),
            }
        )
    }


def product_catalog(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`product_catalog`: what the clinic sells today, then earlier sizes and brands of the same goods."""
    rng = chunk.rng("product_catalog")
    listed = clinic_table("products")
    n = max(chunk.rows_for("product_catalog"), listed.height)
    position = np.arange(n)
    base, edition = listed[position % listed.height], position // listed.height
    old = edition > 0
    nth = pl.Series(values=edition).cast(pl.String)
    price = (base["price"].cast(pl.Float64).to_numpy() * 100).round().astype(np.int64)
    price = price + np.where(old, rng.integers(-5, 12, n) * 50, 0)
    return {
        "product_catalog": pl.DataFrame(
            {
                "product_id": chunk.take_keys("product_catalog", n),
                "SKU": pl.select(
                    pl.when(pl.Series(values=old)).then(base["sku"] + "-" + nth).otherwise(base["sku"])
                ).to_series(),
                "ProductName": pl.select(
                    pl.when(pl.Series(values=old)).then(base["name"] + " (edition " + nth + ")").otherwise(base["name"])
                ).to_series(),
                "Category": base["category"],
                "UnitPrice": money(price),
                "UnitCost": sometimes(rng, money(price * 55 // 100), 0.1),
                "TaxRate": base["tax"].cast(pl.Float64),
                "IsHidden": yes_no(old & chance(rng, n, 0.7)),
                "ReorderLevel": sometimes(rng, rng.integers(2, 40, n), 0.3),
                "Supplier": sometimes(
                    rng, pick(rng, n, ["Gulf Supply", "Bay Nutrition", "Premier Labs", "Sunshine Rx"]), 0.2
                ),
                "ndc": blanked(
                    numbered("", rng.integers(10**9, 10**10, n), 11), base["category"].to_numpy() != "Medication"
                ),
                "DateTStamp": pl.Series(values=[datetime(2026, 2, 10, 10, 0)]).new_from_index(0, n),
            }
        )
    }


REFERENCE = [insurance_companies, fee_schedules, insurance_plans, provider_numbers, fee_schedule_items, product_catalog]
