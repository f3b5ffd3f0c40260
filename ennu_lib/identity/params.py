"""What a data team may change about matching: the files of params/identity, checked before anything runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ennu_lib.catalog.csv_rows import read_rows
from ennu_lib.config import Strict, load_model_of_files
from ennu_lib.errors import ConfigurationError

FIELDS = (
    "first_name",
    "last_name",
    "middle_name",
    "preferred_name",
    "suffix",
    "birth_date",
    "sex",
    "street",
    "zip",
    "phone",
    "email",
    "ssn",
    "member_number",
)
LEVEL_WORDS = {"exact": 0, "nickname": 0, "swapped": 0, "initial": 0, "part": 0, "mailbox": 0}
LEVEL_WORDS |= {"similar": 1, "edits": 1, "days": 1}
MOST_LEVELS = 14  # a level is packed into four bits: missing, disagree and fourteen others
MOST_FIELDS = 16


class Comparison(Strict):
    """How one field of two records is compared, and what its agreement can mean."""

    field: Literal[FIELDS]
    levels: list[str]
    household: bool = False
    term_frequency: bool = False

    @field_validator("levels")
    @classmethod
    def _known_levels(cls, levels: list[str]) -> list[str]:
        for level in levels:
            word, *number = level.split()
            if word not in LEVEL_WORDS or len(number) != LEVEL_WORDS[word]:
                raise ValueError(f"unknown agreement level {level!r}")
        if not levels or levels[0] != "exact":
            raise ValueError("the first level must be 'exact'")
        if len(levels) > MOST_LEVELS:
            raise ValueError(f"more than {MOST_LEVELS} levels")
        return levels


class Placeholder(Strict):
    """The values of one field that stand for "not known"."""

    values: list[str] = []
    patterns: list[str] = []
    shared_by_more_than: int | None = Field(default=None, ge=2)


class Blocking(Strict):
    largest_block: int = Field(ge=2)
    most_pairs_per_record: int = Field(ge=1)
    most_pairs: int = Field(ge=1)
    rules: list[list[str]] = Field(min_length=1)
    pairs_per_record: float = Field(default=50, gt=0)
    broad_pairs_per_record: float = Field(default=0, ge=0)
    least_pairs: int = Field(default=0, ge=0)
    broad_rules: list[list[str]] = []


class Model(Strict):
    """Settings of the three-class model; meanings in thresholds.yml."""

    random_pairs: int = Field(ge=1000)
    seed: int
    most_rounds: int = Field(ge=1)
    tolerance: float = Field(gt=0)
    match_exact: float = Field(gt=0, lt=1)
    household_exact: float = Field(gt=0, lt=1)
    prior_strength: float = Field(ge=0)
    leak: float = Field(ge=0, lt=1)
    starting_share: float = Field(gt=0, lt=0.5)


class Decision(Strict):
    auto_merge: float = Field(gt=0, lt=1)
    reviewers_where_guarded: int = Field(ge=1, le=5)
    review: float = Field(gt=0, lt=1)
    keep: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Decision":
        if not self.keep <= self.review <= self.auto_merge:
            raise ValueError("keep <= review <= auto_merge must hold")
        return self


class Guard(Strict):
    """A combination of agreement levels that no machine may merge."""

    name: str
    meaning: str
    when: dict[str, list[str]] = Field(min_length=1)
    any: dict[str, list[str]] = {}
    unless: dict[str, list[str]] = {}


class Clusters(Strict):
    largest: int = Field(ge=2)
    weakest_log_odds: float = Field(lt=0)
    strongest_log_odds: float = Field(gt=0)


class SecondOpinion(Strict):
    most_records: int = Field(ge=0)
    most_pairs: int = Field(ge=1)
    least_agreement: float = Field(ge=0, le=1)
    overruled_from: float = Field(gt=0, le=1)


class ReviewPage(Strict):
    """What the review page offers; meanings in review.yml."""

    reasons: dict[Literal["same", "different", "unsure"], list[str]] = Field(min_length=3)
    own_words_most: int = Field(ge=20)

    @field_validator("reasons")
    @classmethod
    def _number_keys(cls, reasons: dict[str, list[str]]) -> dict[str, list[str]]:
        for answer, listed in reasons.items():
            if not 1 <= len(listed) <= 9:
                raise ValueError(f"{answer!r} needs one to nine reasons, one for each number key")
        return reasons


Rule = Literal[
    "never_overwrite", "most_recent", "most_complete", "most_frequent", "longest", "verified", "source_priority",
    "survived_before",
]  # fmt: skip


class Together(Strict):
    columns: list[str] = Field(min_length=1)
    rules: list[Rule] = Field(min_length=1)


class Survivorship(Strict):
    """Which member's value becomes the golden record's, per column."""

    updated: str
    source: str
    sources: list[str] = []
    verified: dict[str, str] = {}
    survivor: list[Rule]
    default: list[Rule]
    columns: dict[str, list[Rule]] = {}
    together: list[Together] = []


class Visits(Strict):
    """Where a table says who was where and when."""

    table: str
    patient: str
    start: str
    end: str
    place: str
    where: dict[str, list[str]] = {}
    shortest_overlap_minutes: int = Field(ge=0)


class ClinicalFact(Strict):
    """A kind of clinical fact that golden records unite, and the columns that tell when two rows state the same one."""

    name: str
    table: str
    patient: str
    same: list[str] = Field(min_length=1)
    unless: dict[str, list[str]] = {}


class Clinical(Strict):
    visits: Visits
    facts: list[ClinicalFact]


class IdentityParams(Strict):
    """All parameters of the identity room."""

    columns: dict[Literal[FIELDS], str | list[str]]
    comparisons: list[Comparison] = Field(min_length=2, max_length=MOST_FIELDS)
    placeholders: dict[Literal[FIELDS], Placeholder]
    blocking: Blocking
    model: Model
    decision: Decision
    guards: list[Guard]
    clusters: Clusters
    second_opinion: SecondOpinion
    review: ReviewPage
    survivorship: Survivorship
    clinical: Clinical
    nicknames: dict[str, tuple[str, ...]]

    @property
    def levels(self) -> dict[str, list[str]]:
        """Field to the names of its levels, by number: 0 missing, 1 disagree, then from the weakest to exact."""
        return {c.field: ["missing", "disagree", *reversed(c.levels)] for c in self.comparisons}


# Where the content of each file stands.
FILES = {
    "fields.yml": "",
    "thresholds.yml": "",
    "blocking.yml": "blocking",
    "clinical.yml": "clinical",
    "placeholders.yml": "placeholders",
    "review.yml": "review",
    "survivorship.yml": "survivorship",
}


def load_identity_params(directory: Path | str) -> IdentityParams:
    """Read params/identity. Raises ConfigurationError with every mistake of all its files, each with its line."""
    directory = Path(directory)
    mistakes: list[str] = []
    nicknames = _nicknames(directory / "nicknames.csv", mistakes)
    try:
        params = load_model_of_files(directory, FILES, IdentityParams, {"nicknames": nicknames}, _misfits)
    except ConfigurationError as wrong:
        mistakes = [*wrong.mistakes, *mistakes]
    if mistakes:
        raise ConfigurationError(str(directory), mistakes)
    return params


def _misfits(params: IdentityParams) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between fields and guards: where, and what."""
    levels, compared = params.levels, [c.field for c in params.comparisons]
    for n, field in enumerate(compared):
        if field in compared[:n]:
            yield ("comparisons", n, "field"), f"{field} is compared twice"
    for n, guard in enumerate(params.guards):
        for part in ("when", "any", "unless"):
            for field, wanted in getattr(guard, part).items():
                unknown = sorted(set(wanted) - set(levels.get(field, [])))
                if unknown:
                    yield ("guards", n, part, field), f"{field} has no level {', '.join(unknown)}"


def _nicknames(path: Path, mistakes: list[str]) -> dict[str, tuple[str, ...]]:
    """Every name to the formal names it may stand for, itself first when it is one."""
    try:
        pairs = [(row["name"], row["nickname"]) for _, row in read_rows(path, ("name", "nickname"))]
    except ConfigurationError as wrong:
        mistakes += [f"{path.name} {mistake}" for mistake in wrong.mistakes]
        return {}
    roots: dict[str, list[str]] = {}
    for formal, _ in pairs:
        roots.setdefault(formal, [formal])
    for formal, short in pairs:
        known = roots.setdefault(short, [])
        if formal not in known:
            known.append(formal)
    return {name: tuple(formals) for name, formals in roots.items()}
