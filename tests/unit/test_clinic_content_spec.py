"""The grammar of the catalogue's content column."""

from pathlib import Path

import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic.content_spec import Content, Offset, content_mistakes, parse_content
from ennu_lib.clinic.words import load_words
from ennu_lib.errors import ConfigurationError
from tests.support.small_catalogue import Catalogue, table

PARAMS = Path(__file__).parents[2] / "params"


def test_the_projects_catalogue_has_no_mistake():
    words = load_words(PARAMS / "clinic" / "words.yml")
    assert content_mistakes(load_catalogue(PARAMS / "catalog"), set(words)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seq", Content("seq")),
        ("choice:a=5|b:c=1|d", Content("choice", (["a", "b:c", "d"], [5.0, 1.0, 1.0]))),
        ("int:-3..4", Content("int", (-3, 4))),
        ("date:as_of-900..as_of", Content("date", ("as_of-900", "as_of"))),
        ("datetime:-700..0", Content("datetime", ("-700", "0"))),
        ("after:visit.day+1..30d", Content("after", Offset("visit", "day", 1, 30, "d"))),
        ("via:visit.day", Content("via", ("visit", "day"))),
        ("cycle:a*b", Content("cycle", ("a", "b"))),
    ],
)
def test_content_parses(text, expected):
    assert parse_content(text) == expected


@pytest.mark.parametrize(
    "text",
    ["nonsense", "seq:1", "int:5..1", "int:5", "bool:1.2", "date:soon..later", "after:day", "via:visit", "words:0"],
)
def test_other_content_is_refused(text):
    with pytest.raises(ValueError, match="content"):
        parse_content(text)


def test_dependencies_that_lead_nowhere_are_named():
    catalogue = Catalogue(
        (
            table("visit", 10, ("visit_id", "integer", "seq", {"key": "pk"}), ("day", "date", "date:-9..0")),
            table(
                "note",
                10,
                ("note_id", "integer", "seq"),
                ("visit", "integer", "fk", {"references": "visit.visit_id"}),
                ("loose", "integer", "fk"),
                ("day", "date", "via:visit.no_such"),
                ("when", "date", "after:no_such+0..3d"),
                ("copy", "date", "via:day.day"),
                ("word", "text", "pick:no_such"),
            ),
        )
    )
    mistakes = content_mistakes(catalogue, {"word"})
    assert [text.split(": ")[0].split(".")[-1] for text in mistakes] == ["loose", "day", "when", "copy", "word"]


def test_word_lists_are_refused_with_every_mistake(tmp_path):
    path = tmp_path / "words.yml"
    path.write_text("good: [a, b]\nempty: []\nnumber: [1]\nweight: {a: -1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_words(path)
    assert [text.split(":")[0] for text in caught.value.mistakes] == ["empty", "number", "weight"]
