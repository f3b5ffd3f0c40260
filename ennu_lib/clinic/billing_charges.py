"""What is charged: visits, membership fees, retail sales and laboratory work, each with its lines.

The charges of a chunk pass on in the private frame `_charges`, in order of service, with amounts in whole cents; the
later steps of billing decide who pays them and turn them into `billing_records`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, repeated, rows_made
from ennu_lib.clinic.people_draw import blanked, chance, dates, day_number, pick, sample, sometimes

CHARGES = "_charges"
VOID_SHARE = 0.008
BILLED_SALES, BILLED_MEMBERSHIP = 0.8, 0.8

VISIT_CODES = {
    "office visit": {"99213": 5, "99214": 4, "99212": 2, "99215": 1, "99396": 1},
    "initial consult": {"99204": 4, "99205": 2, "99203": 2},
    "telehealth": {"99422": 3, "99423": 2, "99442": 2, "99421": 1},
    "phone": {"99441": 3, "98966": 1},
    "lab draw": {"36415": 1},
    "injection": {"96372": 1},
    "pellet": {"11980": 1},
    "coaching": {"98966": 1},
}
OTHER_VISIT = {"99213": 1, "99211": 1}
SIDE_CODES = {"36415": 5, "96372": 4, "85025": 2, "93000": 1, "76977": 1}
LAB_CODES = {"84403": 8, "84402": 5, "80053": 7, "80061": 7, "85025": 6, "84443": 6, "82670": 4, "83036": 5, "82306": 5}
SIDE_LINES = np.array([0.74, 0.20, 0.06])  # share of visits with none, one, two further lines
LAB_LINES = np.array([0.25, 0.30, 0.25, 0.20])  # share of laboratory charges with one to four tests


def product_sales(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`product_sales`, each on a day when the patient was in the clinic."""
    rng = chunk.rng("product_sales")
    visits = rows_made(chunk, "encounters")
    n = chunk.rows_for("product_sales") if visits.height else 0
    at = np.sort(rng.integers(0, max(visits.height, 1), n))
    goods = chunk.reference["product_catalog"].filter(pl.col("IsHidden") == "N")
    good = rng.integers(0, goods.height, n)
    quantity = rng.choice([1, 1, 1, 2, 2, 3], n)
    price = goods["UnitPrice"].gather(good)
    users = chunk.reference["staff_users"]["user_id"]
    return {
        "product_sales": pl.DataFrame(
            {
                "sale_id": chunk.take_keys("product_sales", n),
                "patient_id": visits["patient_id"].gather(at),
                "product_id": goods["product_id"].gather(good),
                "sale_date": visits["encounter_date"].gather(at).cast(pl.Date),
                "quantity": quantity,
                "unit_price": price,
                "amount": money(_cents(price) * quantity),
                "shipped": pick(rng, n, {"N": 7, "Y": 3}),
                "lot_number": sometimes(
                    rng, "L" + pl.Series(values=rng.integers(10_000, 99_999, n)).cast(pl.String), 0.5
                ),
                "sold_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.2),
            }
        )
    }


def _cents(amounts: pl.Series) -> np.ndarray:
    return np.rint(amounts.cast(pl.Float64).to_numpy() * 100).astype(np.int64)


def charges(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`_charges` and `billing_line_items`; `product_sales` and `25againmemberbilling` learn their `billing_id`."""
    rng = chunk.rng("billing_records")
    sources = [_visit_charges(chunk), _membership_charges(chunk, rng), _sale_charges(chunk, rng)]
    lacking = chunk.rows_for("billing_records") - sum(part.height for part in sources)
    drafts = pl.concat([*sources, _lab_charges(chunk, rng, lacking)], how="diagonal_relaxed").sort(
        "service_day", maintain_order=True
    )
    n = drafts.height
    drafts = drafts.with_columns(
        pl.Series("billing_id", values=chunk.take_keys("billing_records", n)),
        pl.Series("is_void", values=chance(rng, n, VOID_SHARE)),
    )
    lines = pl.concat(
        [_coded_lines(chunk, rng, drafts), _sale_lines(chunk, drafts), _fee_lines(drafts)], how="diagonal_relaxed"
    )
    lines = lines.sort("charge", "position")
    total = np.bincount(lines["charge"].to_numpy(), weights=_line_total(lines), minlength=n)
    first = lines.unique("charge", keep="first", maintain_order=True).select(
        "charge", pl.col("code").alias("procedure_code")
    )
    made = {
        CHARGES: drafts.with_columns(
            pl.Series("amount", values=np.rint(total).astype(np.int64)), first["procedure_code"]
        ),
        "billing_line_items": _line_items(chunk, rng, drafts, lines),
    }
    return made | _numbers_back(chunk, drafts)


def _visit_charges(chunk: Chunk) -> pl.DataFrame:
    visits = rows_made(chunk, "encounters")
    service = pl.col("encounter_type").replace_strict(
        {"lab draw": "Lab", "injection": "Procedure", "pellet": "Procedure", "phone": "Telehealth"},
        default="Consultation",
    )
    return visits.filter(~pl.col("status").is_in(["void", "cancelled"]) & ~pl.col("is_deleted")).select(
        *[pl.col(name).cast(pl.Int64) for name in ("patient_id", "encounter_id", "provider_id", "facility_id")],
        pl.col("encounter_date").cast(pl.Date).to_physical().cast(pl.Int64).alias("service_day"),
        pl.when("is_telehealth").then(pl.lit("Telehealth")).otherwise(service).alias("service_type"),
        pl.when("is_telehealth").then(pl.lit("telehealth")).otherwise("encounter_type").alias("visit"),
    )


def _membership_charges(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    fees = rows_made(chunk, "25againmemberbilling").join(
        rows_made(chunk, "25againmembers").select("member_id", "patient_id"),
        on="member_id",
        how="inner",
        maintain_order="left",
    )
    today = day_number(chunk.as_of)
    due = fees.filter(
        (pl.col("result") != "void") & (pl.col("amount") > 0) & (pl.col("charge_date").to_physical() < today)
    )
    due = due.filter(pl.Series(values=chance(rng, due.height, BILLED_MEMBERSHIP)))
    return due.select(
        "patient_id",
        "member_billing_id",
        pl.col("charge_date").to_physical().cast(pl.Int64).alias("service_day"),
        pl.lit("Membership").alias("service_type"),
        pl.Series("fee", values=_cents(due["amount"])),
        (pl.col("result") == "declined").alias("declined"),
    )


def _sale_charges(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    sales = chunk.frames["product_sales"].join(
        chunk.reference["product_catalog"].select("product_id", "Category", "TaxRate"),
        on="product_id",
        how="left",
        maintain_order="left",
    )
    sales = sales.filter(pl.Series(values=chance(rng, sales.height, BILLED_SALES)))
    return sales.select(
        pl.col("patient_id").cast(pl.Int64),
        "sale_id",
        pl.col("sale_date").to_physical().cast(pl.Int64).alias("service_day"),
        pl.col("Category").alias("service_type"),
        "product_id",
        "quantity",
        pl.Series("price", values=_cents(sales["unit_price"])),
        pl.col("TaxRate").alias("tax_rate"),
    )


def _lab_charges(chunk: Chunk, rng: np.random.Generator, n: int) -> pl.DataFrame:
    orders = rows_made(chunk, "lab_orders")
    orders = orders.filter(pl.col("order_date").to_physical() < day_number(chunk.as_of))
    orders = orders[sample(rng, orders.height, max(0, n))]
    return orders.select(
        pl.col("patient_id").cast(pl.Int64),
        pl.col("ordering_provider").cast(pl.Int64).alias("provider_id"),
        pl.col("order_date").to_physical().cast(pl.Int64).alias("service_day"),
        pl.lit("Lab").alias("service_type"),
        pl.lit("laboratory").alias("visit"),
    )


def _coded_lines(chunk: Chunk, rng: np.random.Generator, drafts: pl.DataFrame) -> pl.DataFrame:
    """Lines with a procedure code: the first one by the kind of visit, further ones by chance."""
    coded = np.flatnonzero(drafts["visit"].is_not_null().to_numpy())
    visit = drafts["visit"].gather(coded)
    is_lab = (visit == "laboratory").to_numpy()
    further = np.where(is_lab, rng.choice(4, len(coded), p=LAB_LINES), rng.choice(3, len(coded), p=SIDE_LINES))
    parent, nth = repeated(1 + further)
    in_lab, first = pl.Series(values=is_lab[parent]), pl.Series(values=nth == 0)
    kind = pl.select(
        pl.when(in_lab).then(pl.lit("laboratory")).when(first).then(visit.gather(parent)).otherwise(pl.lit("side"))
    ).to_series()
    code = _codes_by_kind(rng, kind)
    fees = chunk.reference["procedure_codes_cpt"].select("code", "default_fee")
    price = code.to_frame("code").join(fees, on="code", how="left", maintain_order="left")["default_fee"]
    cents = _cents(price.fill_null(50.0))
    discount = np.where(chance(rng, len(code), 0.04), cents * rng.choice([10, 15, 20], len(code)) // 100, 0)
    return pl.DataFrame(
        {
            "charge": coded[parent],
            "position": nth + 1,
            "code": code,
            "qty": np.ones(len(code), dtype=np.int64),
            "price": cents,
        }
    ).with_columns(
        pl.Series("discount", values=discount),
        pl.lit(0).alias("tax"),
        (code + " " + kind.replace({"side": "in-visit service"})).alias("description"),
    )


def _codes_by_kind(rng: np.random.Generator, kind: pl.Series) -> pl.Series:
    choices = {**VISIT_CODES, "laboratory": LAB_CODES, "side": SIDE_CODES}
    codes = np.empty(len(kind), dtype=object)
    for name in kind.unique().sort():
        rows = np.flatnonzero((kind == name).to_numpy())
        codes[rows] = pick(rng, len(rows), choices.get(name, OTHER_VISIT)).to_numpy()
    return pl.Series(values=codes, dtype=pl.String)


def _sale_lines(chunk: Chunk, drafts: pl.DataFrame) -> pl.DataFrame:
    goods = chunk.reference["product_catalog"].select("product_id", pl.col("ProductName").alias("description"))
    sales = drafts.with_row_index("charge").filter(pl.col("sale_id").is_not_null())
    sales = sales.join(goods, on="product_id", how="left", maintain_order="left")
    cents = sales["price"].to_numpy() * sales["quantity"].to_numpy()
    return sales.select(
        pl.col("charge").cast(pl.Int64),
        pl.lit(1).alias("position"),
        "product_id",
        "description",
        pl.col("quantity").alias("qty"),
        "price",
        pl.lit(0).alias("discount"),
        pl.Series("tax", values=np.rint(cents * sales["tax_rate"].to_numpy()).astype(np.int64)),
    )


def _fee_lines(drafts: pl.DataFrame) -> pl.DataFrame:
    fees = drafts.with_row_index("charge").filter(pl.col("member_billing_id").is_not_null())
    return fees.select(
        pl.col("charge").cast(pl.Int64),
        pl.lit(1).alias("position"),
        pl.lit("Membership fee").alias("description"),
        pl.lit(1).alias("qty"),
        pl.col("fee").alias("price"),
        pl.lit(0).alias("discount"),
        pl.lit(0).alias("tax"),
    )


def _line_total(lines: pl.DataFrame) -> np.ndarray:
    return (lines["qty"] * lines["price"] - lines["discount"] + lines["tax"]).to_numpy()


def _line_items(chunk: Chunk, rng: np.random.Generator, drafts: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    n = lines.height
    day = drafts["service_day"].to_numpy()[lines["charge"].to_numpy()]
    coded = lines["code"].is_not_null().to_numpy()
    return lines.select(
        pl.Series("billing_line_id", values=chunk.take_keys("billing_line_items", n)),
        drafts["billing_id"].gather(lines["charge"]).alias("billing_id"),
        "position",
        "code",
        "product_id",
        "description",
        pl.col("qty").cast(pl.Float64),
        *[money(lines[name].to_numpy()).alias(name) for name in ("price", "discount", "tax")],
        blanked(pick(rng, n, ["25", "59", "95", "GT"]), ~coded | ~chance(rng, n, 0.1)).alias("modifier"),
        blanked(pick(rng, n, {"A": 6, "AB": 3, "ABC": 1}), ~coded | chance(rng, n, 0.35)).alias("diagnosis_pointer"),
        dates(day).cast(pl.Datetime("us")).alias("last_updated"),
    )


def _numbers_back(chunk: Chunk, drafts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Sales and membership fees with the number of the charge that bills them."""
    written = {}
    for table, key in (("product_sales", "sale_id"), ("25againmemberbilling", "member_billing_id")):
        if table not in chunk.frames:
            continue
        pairs = drafts.select(key, "billing_id").drop_nulls()
        frame = chunk.frames[table].drop("billing_id", strict=False)
        written[table] = frame.join(pairs, on=key, how="left", maintain_order="left")
    return written


PER_CHUNK = [product_sales, charges]
