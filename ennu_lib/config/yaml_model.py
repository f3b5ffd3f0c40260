"""Read a YAML file into a pydantic model and report every mistake at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ennu_lib.errors import ConfigurationError

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

# A database URL has `user@host` in it, which is no mailbox.
MAILBOX = "an e-mail address"
# Shapes that have no business in a parameter file: whoever reads the file would hold a secret or meet a patient.
REFUSED_SHAPES = {
    "a credential inside a URL": re.compile(r"://[^/\s:@]+:[^/\s@]+@"),
    "an access token": re.compile(r"\b(?:pat-[a-z]{2}\d-[0-9a-f-]{8,}|Bearer\s+\S{8,}|sk_live_\w+|AKIA[0-9A-Z]{12,})"),
    MAILBOX: re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]{2,}\b"),
    "a social security number": re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
    "a telephone number": re.compile(r"(?<!\d)\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"),
}
# The C parser is ten times as fast and reads the same YAML.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECRET_KEYS = re.compile(r"(?:^|_)(?:password|passwd|token|secret|api_?key|key)$")
SECRET_NAME = re.compile(r"^[A-Z][A-Z0-9_]{2,}$")

FRIENDLY = {
    "extra_forbidden": "unknown key",
    "missing": "is required",
}


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and never repeats an input value in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def load_model(path: Path, model: type[Model]) -> Model:
    """Parse the YAML file at `path` into `model`.

    Raises ConfigurationError naming every mistake as `line N: key: what is wrong`: YAML syntax, duplicate keys,
    unknown keys, wrong types, missing values, literal credentials and values shaped like personal data.
    """
    data, lines = load_yaml(path)
    mistakes = list(_refused(data, lines))
    try:
        parsed = model.model_validate(data if data is not None else {})
    except ValidationError as error:
        mistakes += [_explain(item, lines) for item in error.errors()]
        parsed = None
    if mistakes or parsed is None:
        raise ConfigurationError(str(path), sorted(mistakes, key=_line_of))
    return parsed


def load_model_of_files(
    directory: Path,
    files: Mapping[str, str],
    model: type[Model],
    more: Mapping[str, Any],
    also: Callable[[Model], Iterable[tuple[Location, str]]] = lambda parsed: (),
) -> Model:
    """Parse several YAML files into one `model`.

    `files` says under which key the content of each file stands; "" is the top. `more` is data from elsewhere. `also`
    names what is wrong between parts, by location. Raises ConfigurationError with every mistake of all files at once,
    each as `FILE line N: key: what is wrong`; what a file that cannot be read would hold is not called missing.
    """
    data: dict[str, Any] = {}
    places: dict[Location, tuple[str, int]] = {(): (next(iter(files)), 1)}
    mistakes: list[tuple[str, int, str]] = []
    unread = False
    for name, key in files.items():
        try:
            content, lines = load_yaml(directory / name)
        except ConfigurationError as wrong:
            mistakes += [(name, 0, mistake) for mistake in wrong.mistakes]
            unread = True
            continue
        if not isinstance(content, dict):
            unread = True
            mistakes.append((name, 0, "line 1: holds no keys"))
            continue
        before = (key,) if key else ()
        places |= {(*before, *at): (name, line) for at, line in lines.items() if before or at}
        data |= {key: content} if key else content
        mistakes += [(name, _line_of(mistake), mistake) for mistake in _refused(content, lines)]

    def explained(at: Location, what: str) -> tuple[str, int, str]:
        known = at
        while known not in places:
            known = known[:-1]
        name, line = places[known]
        return name, line, f"line {line}: {_dotted(at)}: {what}"

    try:
        parsed = model.model_validate(data | dict(more))
        mistakes += [explained(at, what) for at, what in also(parsed)]
    except ValidationError as error:
        told = [(tuple(item["loc"]), item) for item in error.errors()]
        lost = [unread and len(at) == 1 and item["type"] == "missing" for at, item in told]
        mistakes += [explained(at, _what(item)) for (at, item), gone in zip(told, lost, strict=True) if not gone]
    if mistakes:
        raise ConfigurationError(str(directory), [f"{name} {mistake}" for name, _, mistake in sorted(mistakes)])
    return parsed


def load_yaml(path: Path) -> tuple[Any, dict[Location, int]]:
    """Return the data of a YAML file and the line of every key and item, by its location in the data."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(str(path), ["the file does not exist; check the path"]) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(str(path), ["the file cannot be read as UTF-8 text"]) from None
    try:
        node = yaml.compose(text, Loader=LOADER)
        data = yaml.load(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(str(path), [f"line {line}: not valid YAML ({error.problem})"]) from None
    lines: dict[Location, int] = {}
    duplicates = list(_index(node, (), lines)) if node is not None else []
    if duplicates:
        raise ConfigurationError(str(path), duplicates)
    return data, lines


def _index(node: yaml.Node, at: Location, lines: dict[Location, int]) -> Iterator[str]:
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, key.value)
            if here in lines:
                yield f"line {key.start_mark.line + 1}: {_dotted(here)}: the key stands twice"
            lines[here] = key.start_mark.line + 1
            yield from _index(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _index(value, (*at, position), lines)


def _refused(data: Any, lines: dict[Location, int], at: Location = ()) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _refused(value, lines, (*at, key))
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _refused(value, lines, (*at, position))
    elif isinstance(data, str):
        for what, shape in REFUSED_SHAPES.items():
            if shape.search(data) and not (what == MAILBOX and "://" in data):
                yield f"{_place(at, lines)}: holds {what}; parameter files name a secret, they never contain one"
        key = str(at[-1]) if at else ""
        if SECRET_KEYS.search(key) and not SECRET_NAME.match(data):
            yield f"{_place(at, lines)}: must be the NAME of an environment variable, such as ENNU_KEY"


def _explain(item: Any, lines: dict[Location, int]) -> str:
    return f"{_place(tuple(item['loc']), lines)}: {_what(item)}"


def _what(item: Any) -> str:
    return FRIENDLY.get(item["type"]) or item["msg"].removeprefix("Value error, ")


def _place(at: Location, lines: dict[Location, int]) -> str:
    known = at
    while known and known not in lines:
        known = known[:-1]
    return f"line {lines.get(known, 1)}: {_dotted(at)}"


def _dotted(at: Location) -> str:
    return ".".join(str(part) for part in at) or "the file"


def _line_of(mistake: str) -> int:
    return int(mistake.split(":", 1)[0].removeprefix("line "))
