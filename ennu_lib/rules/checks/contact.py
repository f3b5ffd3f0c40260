"""How patients can be reached: addresses of mail, telephone and post (PAT-07 to PAT-11, PAT-15)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import NOTHING, day, filled, moment, typed_day, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import Tables

MAILBOX = (
    r"^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}$"
)
EXTENSION = r"(?i)[;,]?\s*(x|extension|extn|ext|#)[.:=]?\s*\d+\s*$"
AMERICAN = r"^1?[2-9][0-8]\d[2-9]\d{6}$"
ZIP = r"^\d{5}(-\d{4})?$"


def is_mailbox(text: pl.Expr) -> pl.Expr:
    """Whether a text is an e-mail address as agreed: its form, 64 characters before the sign, 254 in all."""
    local = text.str.split("@").list.first().str.len_chars()
    return text.str.contains(MAILBOX) & (text.str.len_chars() <= 254) & (local <= 64)


def is_american(figures: pl.Expr) -> pl.Expr:
    """Whether ten figures can be a telephone number of North America: neither area code nor exchange ends in 11."""
    return figures.str.contains(AMERICAN) & ~figures.str.contains(r"^1?\d11|^1?\d{4}11")


@checks("PAT-07")
def email(tables: Tables, settings) -> list[Look]:
    """Form, placeholders, known dead domains, capitals, and hard bounces in the log of sent mail."""
    looks = []
    for table, column in settings["columns"]:
        frame = tables(table, column)
        mail = pl.col(column)
        clean = mail.str.strip_chars().str.to_lowercase()
        domain = clean.str.split("@").list.last()
        placeholder = clean.is_in(settings["placeholders"]) | domain.is_in(settings["placeholder_domains"])
        placeholder |= clean.str.contains(r"^(none|noemail|no|na|nomail|declined)@|@example\.[a-z]+$")
        well_formed = is_mailbox(clean)
        fails = {
            (column, "PLACEHOLDER"): placeholder,
            (column, "NOT_AN_ADDRESS"): ~well_formed & ~placeholder,
            (column, "DEAD_DOMAIN"): domain.is_in(settings["dead_domains"]),
            (column, "SPELLING"): well_formed & (mail != clean),
        }
        if table == "patients" and tables.has("email_messages"):
            bounced = _bounced(tables).with_columns(__bounced=pl.lit(True))
            frame = frame.with_columns(clean.alias("__mail")).join(
                bounced, on="__mail", how="left", maintain_order="left"
            )
            fails[column, "BOUNCED"] = pl.col("__bounced")
        looks.append(Look(table, frame, fails, counts=filled(column)))
    return looks


@checks("PAT-08")
def phone(tables: Tables, settings) -> list[Look]:
    """Ten American figures that can exist, in the clinic's usual form."""
    looks = []
    for table, columns in settings["columns"].items():
        frame = tables(table, *columns)
        fails = {}
        for column in columns:
            text = pl.col(column)
            figures = text.str.replace(EXTENSION, "").str.replace_all(r"\D", "")
            national = figures.str.replace(r"^1(\d{10})$", "$1")
            exists = is_american(national)
            abroad = (
                text.str.contains(r"^\s*\+") & ~figures.str.starts_with("1") & figures.str.len_chars().is_between(8, 15)
            )
            fiction = national.str.contains(r"^(\d{3})?55501\d\d$")
            placeholder = national.str.contains(r"^(0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|1234567890|0123456789)$") | fiction
            fails[column, "PLACEHOLDER"] = placeholder | word(column).is_in(NOTHING)
            fails[column, "NOT_A_NUMBER"] = ~placeholder & ~exists & ~abroad & ~word(column).is_in(NOTHING)
            fails[column, "SPELLING"] = (exists & ~placeholder) & ~text.str.contains(settings["usual_form"])
        looks.append(Look(table, frame, fails, counts=pl.any_horizontal(pl.col(c).is_not_null() for c in columns)))
    return looks


@checks("PAT-09")
def shared_mailbox(tables: Tables, settings) -> list[Look]:
    """A mailbox that more than one living, undeleted patient gives."""
    frame = tables("patients", "email_address", "is_deleted").filter(~yes("is_deleted").fill_null(False))
    frame = frame.with_columns(pl.col("email_address").str.strip_chars().str.to_lowercase().alias("mailbox"))
    frame = frame.filter(filled("mailbox") & pl.col("mailbox").str.contains(MAILBOX))
    return [Look("patients", frame, {("email_address", "SHARED"): pl.len().over("mailbox") > 1})]


@checks("PAT-10")
def zip_code(tables: Tables, settings) -> list[Look]:
    """Five or nine figures, and the state that the postal table gives for them."""
    places = tables("postal_codes", "zip", "state")
    states = places.select(pl.col("zip").str.slice(0, 3).alias("prefix"), pl.col("state").alias("__state"))
    one_state = states.group_by("prefix").agg(pl.col("__state").unique().alias("__states"))
    looks = []
    for table in settings["tables"]:
        frame = tables(table, "zip_code", "state").with_columns(
            pl.col("zip_code").str.strip_chars().str.zfill(5).str.slice(0, 3).alias("prefix"),
            _state(settings).alias("__given"),
        )
        frame = frame.join(one_state, on="prefix", how="left", maintain_order="left")
        text = pl.col("zip_code")
        short = {4: settings["four_figures"], 3: settings["three_figures"]}
        lost = pl.any_horizontal(
            text.str.contains(rf"^\d{{{figures}}}$") & pl.col("__given").is_in(states).fill_null(False)
            for figures, states in short.items()
        )
        fails = {
            ("zip_code", "LOST_ZERO"): lost,
            ("zip_code", "SPELLING"): text.str.contains(r"^\s*\d{5}[- ]?(\d{4})?[- ]*$") & ~text.str.contains(ZIP),
            ("zip_code", "NOT_A_ZIP"): ~lost & ~text.str.contains(r"^\s*\d{5}[- ]?(\d{4})?[- ]*$"),
            ("state", "OTHER_STATE"): pl.col("__given").is_not_null()
            & ~pl.col("__states").list.contains(pl.col("__given")),
        }
        looks.append(Look(table, frame, fails, counts=filled("zip_code")))
    return looks


@checks("PAT-11")
def state(tables: Tables, settings) -> list[Look]:
    """A two-letter code of the postal service; a city where the state stands, and the other way round."""
    looks = []
    codes = list(settings["states"])
    for table in settings["tables"]:
        frame = tables(table, "state", "city")
        known = _state(settings).is_not_null()
        fails = {
            ("state", "SPELLING"): known & ~pl.col("state").is_in(codes),
            ("state", "NOT_A_STATE"): filled("state") & ~known,
            ("city", "STATE_AS_CITY"): pl.col("city").str.strip_chars().is_in(codes),
        }
        looks.append(Look(table, frame, fails, counts=filled("state")))
    return looks


@checks("PAT-15")
def consent(tables: Tables, settings) -> list[Look]:
    """Marketing only after a dated opt-in; an opt-out by text message, a hard bounce and a death always win."""
    frame = tables("patient_preferences", "patient_id", "marketing_opt_in", "do_not_contact").with_columns(
        wants=yes("marketing_opt_in")
    )
    for mark, patients in consents(tables, settings).items():
        marked = patients.with_columns(pl.lit(True).alias(mark))
        frame = frame.join(marked, on="patient_id", how="left", maintain_order="left")
    wants = pl.col("wants")
    fails = {
        ("marketing_opt_in", "NO_DATED_CONSENT"): wants & pl.col("__dated").is_null(),
        ("marketing_opt_in", "OPTED_OUT"): wants & pl.col("__out"),
        ("marketing_opt_in", "BOUNCED"): wants & pl.col("__bounced"),
        ("marketing_opt_in", "DECEASED"): wants & pl.col("__dead"),
        ("marketing_opt_in", "DO_NOT_CONTACT"): wants & yes("do_not_contact"),
    }
    return [Look("patient_preferences", frame, fails, counts=wants)]


def consents(tables: Tables, settings) -> dict[str, pl.LazyFrame]:
    """The patients (`patient_id`) who gave a dated consent to marketing, and those whom nothing may reach any more."""
    dated = _consented(tables, settings)
    out = tables("sms_messages", "PatNum", "opt_out").filter(yes("opt_out"))
    people = tables("patients", "patient_id", "email_address", "deceased_date")
    bounced = _bounced(tables)
    mailbox = people.with_columns(__mail=pl.col("email_address").str.strip_chars().str.to_lowercase())
    return {
        "__dated": dated,
        "__out": out.select(pl.col("PatNum").alias("patient_id")).unique(),
        "__bounced": mailbox.join(bounced, on="__mail", how="semi").select("patient_id").unique(),
        "__dead": people.filter(moment("deceased_date").is_not_null()).select("patient_id").unique(),
    }


def _consented(tables: Tables, settings) -> pl.LazyFrame:
    """Patients whose last word on marketing is a consent with a day that has been, and that has not expired.

    A refusal of the same day wins, and so does one that nobody can date.
    """
    given = tables("patient_consents", "patient_id", "consent_type", "consent_status", "consent_date", "expires_date")
    given = given.filter(word("consent_type").is_in(settings["marketing_consents"]))
    on, state = typed_day("consent_date", tables.today), word("consent_status")
    still = day("expires_date").fill_null(tables.today) >= tables.today
    yes_on = pl.when(state.is_in(settings["granted"]) & still & (on <= tables.today)).then(on)
    no_on = pl.when(state.is_in(settings["refused"])).then(on.fill_null(pl.date(9999, 12, 31)))
    last = given.group_by("patient_id").agg(agreed=yes_on.max(), refused=no_on.max())
    agreed = pl.col("agreed").is_not_null() & (pl.col("refused").is_null() | (pl.col("agreed") > pl.col("refused")))
    return last.filter(agreed).select("patient_id")


def _bounced(tables: Tables) -> pl.LazyFrame:
    """Mailboxes (`__mail`) to which mail could not be delivered, by the log of sent mail."""
    if not tables.has("email_messages"):
        return pl.LazyFrame(schema={"__mail": pl.String})
    log = tables("email_messages", "to", "bounce_type").filter(word("bounce_type") == "hard")
    return log.select(pl.col("to").str.strip_chars().str.to_lowercase().alias("__mail")).unique()


def _state(settings) -> pl.Expr:
    """The postal code of a state given by code or name; null for anything else."""
    by_letters = {code.lower(): code for code in settings["states"]}
    by_letters |= {name.lower().replace(" ", ""): code for code, name in settings["states"].items()}
    letters = pl.col("state").str.to_lowercase().str.replace_all(r"[^a-z]", "")
    return letters.replace_strict(by_letters, default=None, return_dtype=pl.String)
