"""One spelling per value: expressions that bring names, dates, addresses and numbers into a comparable form.

Each takes a text column and gives a text column, null where nothing comparable is left.
"""

from collections.abc import Callable

import polars as pl

_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
_SUFFIX = r"\b(jr|junior|sr|senior|ii|iii|iv|2nd|3rd|4th)\b"
_SUFFIXES = {"junior": "jr", "senior": "sr", "2nd": "ii", "3rd": "iii", "4th": "iv"}
_TITLES = r"^(mr|mrs|ms|miss|dr|prof|sr|sra|rev)\s+"
# US Postal Service Publication 28, appendices B and C1 (the frequent ones)
_STREET = {
    "street": "st", "str": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln",
    "boulevard": "blvd", "court": "ct", "circle": "cir", "place": "pl", "terrace": "ter", "parkway": "pkwy",
    "highway": "hwy", "square": "sq", "trail": "trl", "crescent": "cres", "plaza": "plz", "turnpike": "tpke",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw",
    "southeast": "se", "southwest": "sw", "saint": "st", "mount": "mt", "fort": "ft",
}  # fmt: skip
_UNIT = r"\s(apt|apartment|unit|suite|ste|room|rm|lot|floor|fl)\b.*$|\s*#.*$"
_DATES = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%m-%d-%Y", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y")


def plain(text: pl.Expr) -> pl.Expr:
    """Lower case, no accents, no punctuation, single spaces; letters of every script stay."""
    bare = text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    bare = bare.str.replace_many(list(_LETTERS), list(_LETTERS.values())).str.replace_all(r"['’‘`´.]", "")
    return bare.str.replace_all(r"[^\p{L}\d]+", " ").str.strip_chars()


def name(text: pl.Expr) -> pl.Expr:
    """A person's name without title, generation suffix, digits, accents or punctuation."""
    bare = plain(text).str.replace(_TITLES, "").str.replace_all(r"\d+", "").str.replace(r"\s" + _SUFFIX + "$", "")
    return _filled(bare.str.replace_all(r" +", " ").str.strip_chars())


def suffix(text: pl.Expr) -> pl.Expr:
    """The generation in a name or suffix column: jr, sr, ii, iii or iv."""
    return plain(text).str.extract(_SUFFIX).replace(_SUFFIXES)


def birth_date(text: pl.Expr) -> pl.Expr:
    """Eight digits, year first. Eight digits that are no date (a slip in the month) stay: they can still be near."""
    head = text.str.strip_chars().str.replace(r"[T ]\d{1,2}:.*$", "")
    parsed = pl.coalesce(head.str.to_date(form, strict=False, exact=True) for form in _DATES).dt.strftime("%Y%m%d")
    digits = head.str.replace_all(r"\D", "")
    return pl.coalesce(parsed, pl.when(digits.str.contains(r"^(1[6-9]|20)\d{6}$")).then(digits))


def sex(text: pl.Expr) -> pl.Expr:
    """m, f or x; everything else is not known."""
    first = text.str.strip_chars().str.to_lowercase().str.slice(0, 2)
    return (
        pl.when(first.str.starts_with("m")).then(pl.lit("m"))
        .when(first.is_in(["f", "fe", "w", "wo"])).then(pl.lit("f"))
        .when(first.is_in(["x", "nb", "no"])).then(pl.lit("x"))
    )  # fmt: skip


def street(text: pl.Expr) -> pl.Expr:
    """House number and street in postal abbreviations, without the unit."""
    bare = plain(text.str.to_lowercase().str.replace(_UNIT, "")).str.replace_all(" ", "  ", literal=True)
    padded = pl.lit(" ") + bare + pl.lit(" ")
    short = padded.str.replace_many([f" {w} " for w in _STREET], [f" {s} " for s in _STREET.values()])
    return _filled(short.str.replace_all(r" +", " ").str.strip_chars())


def zip_code(text: pl.Expr) -> pl.Expr:
    """The first five digits; a leading zero that a spreadsheet ate is put back."""
    return text.str.extract(r"(\d{3,5})").str.zfill(5)


def phone(text: pl.Expr) -> pl.Expr:
    """The last ten digits, without extension and country code; fewer than seven are no number."""
    digits = text.str.to_lowercase().str.replace(r"(ext|x).*$", "").str.replace_all(r"\D", "")
    return pl.when(digits.str.len_bytes() >= 7).then(digits.str.tail(10))


def email(text: pl.Expr) -> pl.Expr:
    """Lower case, without +tag; dots in a gmail mailbox do not count."""
    bare = text.str.to_lowercase().str.replace_all(r"\s", "").str.replace(r"\+[^@]*@", "@")
    bare = bare.str.replace("@googlemail.com", "@gmail.com", literal=True)
    box = bare.str.extract(r"^(.+)@gmail\.com$").str.replace_all(".", "", literal=True)
    return pl.coalesce(box + "@gmail.com", pl.when(bare.str.contains(r"^[^@]+@[^@]+\.[^@]+$")).then(bare))


def ssn(text: pl.Expr) -> pl.Expr:
    """Digits only; a masked or short number is not known."""
    digits = text.str.replace_all(r"[\s\-.]", "")
    return pl.when(digits.str.contains(r"^\d{7,9}$")).then(digits)


def member_number(text: pl.Expr) -> pl.Expr:
    """Upper case letters and digits, without leading zeros."""
    return _filled(text.str.to_uppercase().str.replace_all(r"[^A-Z\d]", "").str.strip_chars_start("0"))


def _filled(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


STANDARD: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "first_name": name,
    "middle_name": name,
    "last_name": name,
    "preferred_name": name,
    "suffix": suffix,
    "birth_date": birth_date,
    "sex": sex,
    "street": street,
    "zip": zip_code,
    "phone": phone,
    "email": email,
    "ssn": ssn,
    "member_number": member_number,
}
