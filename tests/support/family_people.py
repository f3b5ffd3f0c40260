"""Synthetic people with the households that make matching hard: couples, children, twins, Jr and Sr, roommates.

`family_people` returns a table with the columns of the clinic's `patients` and the truth: patient_id, person_id,
household_id, kind. Duplicates differ as real ones do; `hard` uses discrepancy rates in the range of the chart audit of
Just et al. 2016 (middle name 58 %, social security number 53 % of true duplicates).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

NICKNAMES = Path(__file__).parents[2] / "params" / "identity" / "nicknames.csv"


def _words(text: str) -> list[str]:
    return text.split()


_MALE = _words(
    """
    james michael robert john david william richard joseph thomas christopher charles daniel matthew anthony mark
    steven andrew paul joshua kenneth kevin brian george timothy ronald jason edward jeffrey ryan jacob nicholas
    gary eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick frank raymond
    jack dennis jerry tyler aaron jose adam nathan henry zachary douglas peter kyle noah ethan jeremy walter keith
    roger terry austin sean gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe
    logan alan juan albert willie elijah wayne randy vincent mason roy ralph bobby russell bradley philip eugene
    luis carlos miguel antonio francisco manuel ricardo fernando hector omar ahmed mohammed wei ming hiroshi raj
    sanjay amit ivan dmitri pavel lukas mateo liam oliver lucas levi owen caleb isaac hunter connor jayden kayden
    aiden brayden
    """
)
_FEMALE = _words(
    """
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley
    kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia dorothy amy
    kathleen angela shirley emma brenda pamela nicole anna samantha katherine christine debra rachel carolyn janet
    maria olivia heather helen catherine diane julie victoria joyce lauren kelly christina ruth joan virginia judith
    evelyn hannah andrea megan cheryl jacqueline madison teresa abigail sophia martha sara gloria janice kathryn ann
    isabella judy charlotte julia grace amber alice jean denise frances danielle marilyn natalie beverly diana
    brittany theresa kayla alexis doris lori tiffany guadalupe carmen rosa lucia elena fatima aisha mei yuki priya
    anjali olga natasha ingrid chloe zoe mia ava ella lily layla kaylee haylee brooklyn brianna mackenzie
    """
)
_ROOTS = _words(
    """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
    anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson
    walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell
    mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris
    morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward
    richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel
    myers long ross foster jimenez
    """
)
_HEADS = "ash black brad bright burn carl chest cold craw dal east fair gold grim hal hart haw kirk lang litt"
_TAILS = "ley man son field worth ton burg wood more low land ford well stein berg ham by combe wick shaw den mont"
_TRAILS = "er ers ski sen es ez ini ov off ak ic as is os ell ett ard ault eau"
_STREETS = "oak maple cedar pine elm washington lake hill walnut spring north ridge church willow main park sunset"
_KINDS = ("Street", "Ave", "Road", "Drive", "Ln", "Blvd", "Court")
_MAIL = ("gmail.com", "yahoo.com", "outlook.com", "aol.com", "icloud.com", "comcast.net")


@dataclass(frozen=True)
class Rates:
    """Chance that a duplicate's field differs from the person's."""

    duplicates: float = 0.09
    first_typo: float = 0.04
    nickname: float = 0.07
    swapped: float = 0.015
    middle: float = 0.35
    last_typo: float = 0.04
    name_change: float = 0.05
    birth_typo: float = 0.025
    birth_swap: float = 0.01
    birth_missing: float = 0.015
    sex: float = 0.01
    moved: float = 0.18
    street_typo: float = 0.06
    phone: float = 0.25
    email: float = 0.25
    ssn_missing: float = 0.35
    ssn_typo: float = 0.03
    placeholder: float = 0.004


HARD = Rates(
    0.14, 0.12, 0.12, 0.04, 0.58, 0.09, 0.08, 0.06, 0.02, 0.04, 0.02, 0.3, 0.1, 0.4, 0.4, 0.45, 0.08, 0.006
)  # fmt: skip


def family_people(records: int, seed: int = 1, *, hard: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """About `records` patient rows in random order, and their truth."""
    rates = HARD if hard else Rates()
    random = np.random.default_rng(seed)
    persons = _persons(int(records / (1 + 1.15 * rates.duplicates)), random)
    copies = _copies(len(persons), rates, random)
    rows = pl.concat([persons, _corrupt(persons[copies], rates, random)], how="vertical")
    rows = _placeholders(_gaps(rows, random), rates, random)
    rows = rows[random.permutation(len(rows))].with_row_index("patient_id", offset=1)
    rows = rows.with_columns(pl.col("patient_id").cast(pl.Int64))
    hidden = ["person_id", "household_id", "kind"]
    return rows.drop(hidden), rows.select("patient_id", *hidden)


def _surnames() -> np.ndarray:
    tails = [h + t for h in _HEADS.split() for t in _TAILS.split()]
    longer = [r[:4] + t + x for r in _ROOTS for t in _TAILS.split()[:8] for x in _TRAILS.split()[:6]]
    return np.array(list(dict.fromkeys(_ROOTS + tails + longer)))


def _other_names(first: np.ndarray, twins: np.ndarray, random: np.random.Generator) -> list[str]:
    """No parents give both twins one name; one in seven pairs has names a letter or two apart."""
    like = {"jayden": "kayden", "brayden": "hayden", "kaylee": "haylee", "ella": "bella", "jordan": "jordyn"}
    names = []
    for i in twins:
        mate, own = first[i - 1], first[i]
        if random.random() < 0.15 or own == mate:
            own = like.get(mate) or mate[:1].replace(mate[0], "j" if mate[0] != "j" else "k") + mate[1:]
        names.append(own)
    return names


def _zipf(values: np.ndarray, size: int, random: np.random.Generator, power: float = 0.8) -> np.ndarray:
    share = 1 / np.arange(3, len(values) + 3) ** power
    return values[random.choice(len(values), size, p=share / share.sum())]


def _persons(number: int, random: np.random.Generator) -> pl.DataFrame:
    """One row per person: households of one to six with shared last name, home, phone and partly e-mail."""
    size = random.choice([1, 2, 3, 4, 5, 6], number, p=[0.35, 0.27, 0.15, 0.13, 0.07, 0.03])
    home = np.repeat(np.arange(number), size)[:number]
    place = np.arange(number) - np.searchsorted(home, home)
    homes = home[-1] + 1
    roommates = (random.random(homes) < 0.08)[home]
    partner, child = (place == 1), (place >= 2) & ~roommates
    male = random.random(number) < 0.5
    male[partner & ~roommates] = ~male[np.flatnonzero(partner & ~roommates) - 1]
    parent = np.searchsorted(home, home)
    base = random.integers(1935, 1995, homes)[home]
    year = np.where(
        child, base + random.integers(19, 38, number), base + np.where(partner, random.integers(-6, 7, number), 0)
    )
    year = np.clip(year, 1925, 2025)
    birth = np.array([f"{y:04d}" for y in range(1900, 2030)])[year - 1900]
    month, day = random.integers(1, 13, number), random.integers(1, 29, number)
    twin = child & np.r_[False, child[:-1]] & np.r_[False, home[1:] == home[:-1]] & (random.random(number) < 0.06)
    for values in (year, month, day, birth):
        values[twin] = values[np.flatnonzero(twin) - 1]
    first = np.where(male, _zipf(np.array(_MALE), number, random), _zipf(np.array(_FEMALE), number, random, 0.7))
    first[twin] = _other_names(first, np.flatnonzero(twin), random)
    last = _zipf(_surnames(), homes, random)[home]
    own_name = roommates | (partner & (random.random(number) < 0.22)) | (child & (random.random(number) < 0.05))
    last[own_name] = _zipf(_surnames(), int(own_name.sum()), random)
    junior = child & male & male[parent] & (place == 2) & (random.random(number) < 0.08) & (first != "")
    first[junior] = first[parent[junior]]
    last[junior] = last[parent[junior]]
    suffix = np.full(number, None, object)
    named = random.random(number) < 0.6
    suffix[junior & named] = "Jr"
    seniors = parent[junior & (random.random(number) < 0.4)]
    suffix[seniors] = "Sr"
    kind = np.where(junior, "junior", np.where(child, "child", "adult")).astype(object)
    kind[parent[junior]] = "senior"
    kind[twin] = kind[np.flatnonzero(twin) - 1] = "twin"
    middle = np.where(male, _zipf(np.array(_MALE), number, random, 0.4), _zipf(np.array(_FEMALE), number, random, 0.4))
    homes_at = _homes(homes, random)
    mobile = _phones(number, random)
    mobile[child & (random.random(number) < 0.7)] = ""
    line = _phones(homes, random)[home]
    line = np.where(random.random(number) < 0.75, line, _phones(number, random))
    email = _emails(first, last, year, random)
    shares_mail = (child & (random.random(number) < 0.8)) | (partner & (random.random(number) < 0.15))
    email[shares_mail] = email[parent[shares_mail]]
    ssn = np.array(
        [
            f"{a:03d}-{b:02d}-{c:04d}"
            for a, b, c in zip(
                random.integers(1, 650, number),
                random.integers(1, 100, number),
                random.integers(1, 10000, number),
                strict=True,
            )
        ]
    )
    close = twin & (random.random(number) < 0.5)
    ssn[close] = _next_number(ssn[np.flatnonzero(close) - 1])
    return pl.DataFrame(_lists({
        "first_name": first, "middle_name": middle, "last_name": last, "suffix": suffix,
        "preferred_name": np.full(number, None, object),
        "date_of_birth": _dates(birth, month, day), "gender": np.where(male, "M", "F"),
        "phone_primary": line, "phone_mobile": mobile, "email_address": email,
        "address_line1": homes_at["street"].to_numpy()[home], "address_line2": np.full(number, None, object),
        "city": homes_at["city"].to_numpy()[home], "state": homes_at["state"].to_numpy()[home],
        "zip_code": homes_at["zip"].to_numpy()[home], "ssn": ssn,
        "member_number": _member_numbers(number, random), "last_updated": _stamps(number, random),
        "person_id": np.arange(number), "household_id": home, "kind": kind,
    }), schema_overrides={c: pl.String for c in ("suffix", "preferred_name", "address_line2", "kind")}).with_columns(
        pl.col("first_name", "middle_name", "last_name").str.to_titlecase(),
        pl.when(pl.col("phone_mobile") != "").then("phone_mobile").alias("phone_mobile"),
    )  # fmt: skip


def _lists(columns: dict) -> dict:
    """Polars takes no object arrays."""
    return {c: v.tolist() if isinstance(v, np.ndarray) and v.dtype == object else v for c, v in columns.items()}


def _homes(number: int, random: np.random.Generator) -> pl.DataFrame:
    streets = np.array(
        [f"{s} {t} {k}".title() for s in _STREETS.split() for t in ("", *_HEADS.split()) for k in _KINDS]
    )
    zips = random.integers(1001, 99950, max(50, number // 120))
    where = random.integers(0, len(zips), number)
    states = np.array(["CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA"])
    return pl.DataFrame({
        "street": [f"{n} {s}".replace("  ", " ") for n, s in zip(
            random.integers(1, 9999, number), streets[random.integers(0, len(streets), number)], strict=True)],
        "city": [f"City{w}" for w in where], "state": states[where % 8], "zip": [f"{z:05d}" for z in zips[where]],
    })  # fmt: skip


def _phones(number: int, random: np.random.Generator) -> np.ndarray:
    digits = random.integers(2_010_000_000, 9_899_999_999, number)
    return np.array([f"({d // 10**7}) {d // 10**4 % 1000:03d}-{d % 10**4:04d}" for d in digits])


def _emails(first, last, year, random: np.random.Generator) -> np.ndarray:
    style = random.integers(0, 4, len(first))
    number = random.integers(1, 999, len(first))
    mail = np.array(_MAIL)[random.integers(0, len(_MAIL), len(first))]
    boxes = (
        f"{f}.{name}{n}" if s == 0 else f"{f[0]}{name}{y % 100}{n % 10}" if s == 1 else f"{f}{y}{n}" if s == 2
        else f"{name}{f[:3]}{n}" for f, name, y, s, n in zip(first, last, year, style, number, strict=True)
    )  # fmt: skip
    return np.array([f"{b}@{m}" for b, m in zip(boxes, mail, strict=True)], dtype=object)


def _member_numbers(number: int, random: np.random.Generator) -> list[str]:
    return [f"MBR-{n:08d}" for n in random.permutation(number * 4)[:number] + 10_000]


def _stamps(number: int, random: np.random.Generator) -> list[str]:
    seconds = random.integers(1_420_000_000, 1_780_000_000, number)
    return np.datetime_as_string(seconds.astype("datetime64[s]"), unit="s").tolist()


def _dates(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> list[str]:
    return [f"{y}-{m:02d}-{d:02d}" for y, m, d in zip(year, month, day, strict=True)]


def _next_number(numbers: np.ndarray) -> list[str]:
    return [f"{s[:7]}{(int(s[7:]) + 1) % 10000:04d}" for s in numbers]


def _copies(persons: int, rates: Rates, random: np.random.Generator) -> np.ndarray:
    """Which person each duplicate row repeats; a few persons have three or four rows."""
    chosen = random.random(persons)
    times = (
        (chosen < rates.duplicates).astype(int)
        + (chosen < rates.duplicates * 0.12)
        + (chosen < rates.duplicates * 0.03)
    )
    return np.repeat(np.arange(persons), times)


def _corrupt(rows: pl.DataFrame, rates: Rates, random: np.random.Generator) -> pl.DataFrame:
    n = len(rows)
    columns = {c: rows[c].to_numpy().copy() for c in rows.columns}

    def hit(rate: float) -> np.ndarray:
        return np.flatnonzero(random.random(n) < rate)

    def change(column: str, rate: float, how) -> None:
        for i in hit(rate):
            columns[column][i] = how(columns[column][i])

    short = _short_names()
    columns = {c: v.astype(object) if v.dtype.kind in "UO" else v for c, v in columns.items()}
    change("first_name", rates.nickname, lambda v: _pick(short.get(v.lower(), [v]), random).title())
    change("first_name", rates.first_typo, lambda v: _typo(v, random))
    change("last_name", rates.last_typo, lambda v: _typo(v, random))
    for i in hit(rates.name_change):
        if columns["gender"][i] == "F":
            new = _zipf(_surname_pool(), 1, random)[0].title()
            columns["last_name"][i] = f"{columns['last_name'][i]}-{new}" if random.random() < 0.3 else new
    for i in hit(rates.swapped):
        columns["first_name"][i], columns["last_name"][i] = columns["last_name"][i], columns["first_name"][i]
    change("middle_name", rates.middle, lambda v: _pick([None, v[:1], None, v[:1] + "."], random))
    change("suffix", 0.4, lambda v: None)
    change("date_of_birth", rates.birth_typo, lambda v: _date_typo(v, random))
    change("date_of_birth", rates.birth_swap, _date_swap)
    change("date_of_birth", rates.birth_missing, lambda v: None)
    change("gender", rates.sex, lambda v: _pick([None, "M" if v == "F" else "F"], random))
    change("phone_primary", rates.phone, lambda v: _pick([None, _phones(1, random)[0]], random))
    change("phone_mobile", rates.phone, lambda v: _pick([None, _phones(1, random)[0]], random))
    change("email_address", rates.email, lambda v: _pick([None, f"mail{random.integers(10**6)}@{_MAIL[0]}"], random))
    moved = hit(rates.moved)
    new = _homes(max(n, 1), random)
    for column, source in (("address_line1", "street"), ("city", "city"), ("state", "state"), ("zip_code", "zip")):
        columns[column][moved] = new[source].to_numpy()[moved]
    change("address_line1", rates.street_typo, lambda v: _typo(v, random))
    change("ssn", rates.ssn_missing, lambda v: None)
    change("ssn", rates.ssn_typo, lambda v: v and _digit_typo(v, random))
    columns["member_number"] = np.array([f"MBR-{m:08d}" for m in 90_000_000 + np.arange(n)], dtype=object)
    columns["last_updated"] = np.array(_stamps(n, random), dtype=object)
    return pl.DataFrame(_lists(columns), schema=rows.schema, strict=False)


def _gaps(rows: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Values that were never asked for, whatever the row."""
    shares = {
        "middle_name": 0.25,
        "email_address": 0.15,
        "ssn": 0.25,
        "phone_primary": 0.1,
        "phone_mobile": 0.2,
        "address_line1": 0.03,
        "member_number": 0.3,
    }
    return rows.with_columns(
        pl.when(pl.Series(random.random(len(rows)) >= share)).then(pl.col(c)).alias(c) for c, share in shares.items()
    )


def _placeholders(rows: pl.DataFrame, rates: Rates, random: np.random.Generator) -> pl.DataFrame:
    values = {
        "phone_primary": "999-999-9999",
        "ssn": "999-99-9999",
        "email_address": "none@none.com",
        "date_of_birth": "1900-01-01",
    }
    return rows.with_columns(
        pl.when(pl.Series(random.random(len(rows)) >= rates.placeholder)).then(pl.col(c)).otherwise(pl.lit(v)).alias(c)
        for c, v in values.items()
    )


_POOL: list[np.ndarray] = []


def _surname_pool() -> np.ndarray:
    if not _POOL:
        _POOL.append(_surnames())
    return _POOL[0]


def _short_names() -> dict[str, list[str]]:
    short: dict[str, list[str]] = {}
    with NICKNAMES.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            short.setdefault(row["name"], []).append(row["nickname"])
    return short


def _pick(values: list, random: np.random.Generator):
    return values[random.integers(len(values))]


def _typo(text: str, random: np.random.Generator) -> str:
    if not text or len(text) < 3:
        return text
    at = int(random.integers(1, len(text) - 1))
    letter = "abcdefghijklmnopqrstuvwxyz"[random.integers(26)]
    return _pick([
        text[:at] + text[at + 1 :], text[:at] + letter + text[at:], text[:at] + letter + text[at + 1 :],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    ], random)  # fmt: skip


def _digit_typo(text: str, random: np.random.Generator) -> str:
    places = [i for i, c in enumerate(text) if c.isdigit()]
    at = _pick(places, random)
    return text[:at] + str(random.integers(10)) + text[at + 1 :]


def _date_typo(text: str, random: np.random.Generator) -> str:
    year, month, day = (int(p) for p in text.split("-"))
    which = random.integers(4)
    if which == 0:
        year += int(_pick([-10, -1, 1, 10], random))
    elif which == 1:
        month = int(random.integers(1, 13))
    elif which == 2:
        day = int(random.integers(1, 29))
    else:
        return _digit_typo(text[:3], random) + text[3:]
    return f"{year:04d}-{month:02d}-{day:02d}"


def _date_swap(text: str) -> str:
    year, month, day = text.split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 else text
