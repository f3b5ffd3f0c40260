"""Money as reports see it: control totals, card numbers, payment methods, months (FIN-07, FIN-09, FIN-10, FIN-13)."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import mul

import polars as pl

from ennu_lib.rules import control_totals
from ennu_lib.rules.parsing import cents, day, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

SHORTEST = 13
BANK = re.compile(r"(?i)routing|\baba\b|\brtn\b|\bach\b|bank|checking|savings|acc(?:oun)?t")
# Runs of at least thirteen figures, single blanks or dashes between them, that are no part of a word.
LONG = r"\d(?:[ -]?\d){12}"
RUN = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,}(?![0-9A-Za-z])")
# Prefix and lengths of the numbers that issuers give (ISO/IEC 7812): Visa, Mastercard, American Express, Discover, JCB,
# Diners Club, UnionPay.
ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|64[4-9]\d|65\d{2})\d{12,15}|35(?:2[89]|[3-8]\d)\d{12,15}|(?:30[0-59]\d|3[689]\d{2})\d{10,15}"
    r"|62\d{14,17}"
)


@checks("FIN-07")
def revenue(tables: Tables, settings) -> list[Look]:
    """What was paid net of refunds is the same in the source, in the shares of phase 04 and in the Contacts."""
    shares = control_totals.staged(tables)
    source = {
        "payments": control_totals.paid(tables, settings),
        "refunds": control_totals.refunded(tables, settings),
    }
    looks = [_rows_compared(name, source[name], shares[name]) for name in source]
    months = control_totals.by_month(tables, settings).select(
        pl.format("{} {}", "month", "kind").alias(KEY), apart=pl.col("source") != pl.col("staged")
    )
    every = pl.concat(shares.values())
    return [
        *looks,
        Look("payments", months, {("payment_date", "MONTH_DIFFERS"): pl.col("apart")}),
        _per_contact(tables, every),
        _in_total(tables, settings, every),
    ]


def _rows_compared(table: str, source: pl.LazyFrame, shares: pl.LazyFrame) -> Look:
    """Every row that counts is parted into shares that add up to it, and nothing else is."""
    parted = shares.group_by(KEY).agg(staged=pl.col("cents").sum())
    frame = source.select(KEY, "cents").join(parted, on=KEY, how="full", coalesce=True)
    differs = pl.col("cents").fill_null(0) != pl.col("staged").fill_null(0)
    return Look(table, frame, {("amount", "NOT_SUM_OF_SHARES"): differs})


def _per_contact(tables: Tables, shares: pl.LazyFrame) -> Look:
    """Every Contact is loaded with the sum of its shares; shares of a Contact that is not there name it, too."""
    own = shares.filter(pl.col("why").is_null()).group_by("person").agg(shares=pl.col("cents").sum())
    frame = control_totals.loaded(tables).join(own, on="person", how="full", coalesce=True)
    frame = frame.with_columns(pl.coalesce(KEY, pl.format("P-{}", "person")).alias(KEY))
    differs = pl.col("loaded").fill_null(0) != pl.col("shares").fill_null(0)
    return Look("contacts", frame, {("total_revenue", "DIFFERS_FROM_PAYMENTS"): differs})


def _in_total(tables: Tables, settings, shares: pl.LazyFrame) -> Look:
    """All Contacts together, and what was kept from the load, are what was paid."""
    whole = control_totals.counted(tables, settings).select(pl.col("cents").sum().alias("source"))
    sent = control_totals.loaded(tables).select(pl.col("loaded").sum())
    kept = shares.filter(pl.col("why").is_not_null()).select(pl.col("cents").sum().alias("kept"))
    frame = pl.concat([whole, sent, kept], how="horizontal").with_columns(pl.lit("total").alias(KEY))
    differs = pl.col("source") != pl.col("loaded") + pl.col("kept")
    return Look("contacts", frame, {("total_revenue", "TOTAL_DIFFERS"): differs})


@checks("FIN-09")
def card_numbers(tables: Tables, settings) -> list[Look]:
    """No card number (prefix, length and check digit are right), no routing number beside an account number."""
    looks = []
    for table in tables.catalogue.tables:
        columns = [
            c.name
            for c in table.columns
            if c.type.is_text
            and not c.references
            and (c.type.length or SHORTEST) >= SHORTEST
            and f"{table.name}.{c.name}" not in settings["no_cards"]
        ]
        if not columns or not tables.has(table.name):
            continue
        frame = tables(table.name, *columns)
        fails = {(column, "CARD_NUMBER"): holds_card(column) for column in columns}
        fails |= {(column, "BANK_ACCOUNT"): holds_account(column) for column in columns}
        looks.append(Look(table.name, frame, fails))
    return looks


def holds_card(column: str) -> pl.Expr:
    """Whether a text holds a number of 13 to 19 figures with an issuer's prefix and length and the right check digit.

    Every number of the text is looked at, and so is every row of groups within one, as of `4111 1111 1111 1111 12/27`.
    """
    return pl.col(column).map_batches(_cards, return_dtype=pl.Boolean, is_elementwise=True)


def _cards(values: pl.Series) -> pl.Series:
    return _where(values, values.str.contains(LONG).fill_null(False), _has_card)


def _has_card(text: str) -> bool:
    for run in RUN.finditer(text):
        groups = re.split("[ -]", run[0])
        for start in range(len(groups)):
            number = ""
            for group in groups[start:]:
                number += group
                if len(number) > 19:
                    break
                if len(number) >= SHORTEST and ISSUED.fullmatch(number) and _is_luhn(number):
                    return True
    return False


def _where(values: pl.Series, able: pl.Series, test: Callable[[str], bool]) -> pl.Series:
    """`test` of the values that are `able` to pass it; the others are false."""
    answer = pl.zeros(len(values), dtype=pl.Boolean, eager=True)
    right = [test(value) for value in values.filter(able)]
    return answer.scatter(able.arg_true(), right) if right else answer


def holds_account(column: str) -> pl.Expr:
    """Whether a text that speaks of a bank holds a routing number (nine figures, the last sum of which the American
    Bankers Association makes divisible by ten) and another number as long as accounts have."""
    return pl.col(column).map_batches(_accounts, return_dtype=pl.Boolean, is_elementwise=True)


def _accounts(values: pl.Series) -> pl.Series:
    return _where(values, values.str.contains(r"\d{9}").fill_null(False), _is_account)


def _is_account(text: str) -> bool:
    numbers = re.findall(r"[0-9]{4,17}", text)
    routing = [n for n in numbers if len(n) == 9 and int(n) and sum(map(mul, (3, 7, 1) * 3, map(int, n))) % 10 == 0]
    return bool(routing) and len(numbers) > 1 and BANK.search(text) is not None


def luhn(digits: pl.Expr) -> pl.Expr:
    """Whether the last figure is the check digit of ISO/IEC 7812-1, Annex B; null and non-figures are false."""
    return digits.map_batches(_luhn, return_dtype=pl.Boolean, is_elementwise=True)


def _luhn(values: pl.Series) -> pl.Series:
    return _where(values, values.is_not_null(), _is_luhn)


def _is_luhn(text: str) -> bool:
    if not (text.isascii() and text.isdigit()):
        return False
    back = [int(figure) for figure in reversed(text)]
    return (sum(back[::2]) + sum(2 * n if n < 5 else 2 * n - 9 for n in back[1::2])) % 10 == 0


@checks("FIN-10")
def usable_methods(tables: Tables, settings) -> list[Look]:
    """A method of a known kind, with a token and not expired; no coming charge without one that can be charged, and no
    membership that renews by itself."""
    frame = tables(
        "payment_methods", "payment_method_id", "patient_id", "type", "token", "expires_on", "is_active", "autopay"
    )
    usable = pl.col("token").str.strip_chars().str.len_chars().fill_null(0) > 0
    usable &= day("expires_on").fill_null(pl.lit(tables.today)) >= tables.today
    frame = frame.with_columns(usable=usable | word("type").is_in(settings["without_token"]))
    charges = tables("recurring_charges", "payment_method_id", "next_charge_date").join(
        frame.select("payment_method_id", "usable"), on="payment_method_id", how="left", maintain_order="left"
    )
    goes_on = day("next_charge_date") >= tables.today
    payers = frame.filter(pl.col("usable").fill_null(False) & yes("is_active")).select("patient_id", payer=pl.lit(True))
    members = tables("25againmembers", "patient_id", "membership_status", "auto_renew", "payment_method", "is_deleted")
    members = members.join(payers.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    renews = (word("membership_status") == "active") & yes("auto_renew") & ~yes("is_deleted").fill_null(False)
    renews &= ~word("payment_method").is_in(settings["without_token"]).fill_null(False)
    return [
        Look(
            "payment_methods",
            frame,
            {
                ("type", "UNKNOWN_KIND"): ~word("type").is_in(settings["kinds"]),
                ("expires_on", "AUTOPAY_NOT_USABLE"): yes("autopay") & yes("is_active") & ~pl.col("usable"),
            },
        ),
        Look(
            "recurring_charges",
            charges,
            {("payment_method_id", "CHARGE_WITHOUT_METHOD"): goes_on & ~pl.col("usable").fill_null(False)},
            goes_on,
        ),
        Look(
            "25againmembers",
            members,
            {("auto_renew", "MEMBERSHIP_WITHOUT_METHOD"): renews & pl.col("payer").is_null()},
            renews,
        ),
    ]


@checks("FIN-13")
def months(tables: Tables, settings) -> list[Look]:
    """Every month between the first and the last has charges and payments, none stands far from the three before, and
    the revenue of all kinds of service is the revenue."""
    charges = tables("billing_records", "service_date", "service_amount", "service_type", "is_void").filter(
        ~yes("is_void").fill_null(False)
    )
    paid = tables("payments", "payment_date", "amount", "status").filter(word("status") == "posted")
    return [
        _monthly("billing_records", charges, "service_date", "service_amount", tables, settings),
        _monthly("payments", paid, "payment_date", "amount", tables, settings),
        _by_kind(charges, tables),
    ]


def _monthly(table: str, frame: pl.LazyFrame, date: str, amount: str, tables: Tables, settings) -> Look:
    frame = frame.select(day(date).dt.truncate("1mo").alias("month"), money=cents(amount))
    frame = frame.filter(pl.col("month").is_not_null() & (pl.col("month") <= tables.today))
    monthly = frame.group_by("month").agg(pl.col("money").sum(), pl.len().alias("rows")).sort("month")
    monthly = monthly.with_columns(
        gap=pl.col("month").diff().dt.total_days() > 31,
        usual=pl.col("money").cast(pl.Float64).rolling_median(3).shift(1),
        many=pl.col("rows").rolling_min(3).shift(1) >= settings["at_least"],
    )
    off = (pl.col("money") / pl.col("usual") - 1).abs() > settings["within"]
    last = pl.lit(tables.today).dt.truncate("1mo")
    monthly = monthly.with_columns(pl.col("month").cast(pl.String).alias(KEY), whole=pl.col("month") < last)
    fails = {
        (date, "MONTH_MISSING"): pl.col("gap"),
        (amount, "UNUSUAL_MONTH"): off & pl.col("many") & pl.col("whole"),
    }
    return Look(table, monthly, fails, pl.col("many"))


def _by_kind(charges: pl.LazyFrame, tables: Tables) -> Look:
    """Months in which a report by kind of service would lose money, as charges have no kind."""
    month = day("service_date").dt.truncate("1mo")
    frame = charges.select(month=month, money=cents("service_amount"), nameless=says_nothing("service_type"))
    frame = frame.filter(pl.col("month").is_not_null() & (pl.col("month") <= tables.today))
    monthly = frame.group_by("month").agg(lost=pl.col("money").filter("nameless").sum())
    monthly = monthly.with_columns(pl.col("month").cast(pl.String).alias(KEY))
    return Look("billing_records", monthly, {("service_type", "REVENUE_OF_NO_KIND"): pl.col("lost") != 0})
