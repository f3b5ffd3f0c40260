"""The search for personal data and for planted values: what is found, what is not, and that no value is repeated."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from ennu_lib.report.masking import Hit, scan, scan_canaries, scan_file


def kinds(text: str) -> set[str]:
    return {hit.kind for hit in scan(text)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to zeb.quill+x@mail.quill.example today", "email"),
        ("zeb&#64;quill.example", "email"),
        ("zeb%40quill.example", "email"),
        ("zeb\\u0040quill.example", "email"),
        ("zeb&amp;#64;quill.example", "email"),
        ("call (555) 010-1234", "phone"),
        ("call 555-010-1234.", "phone"),
        ("call 555.010.1234", "phone"),
        ("call +15550101234", "phone"),
        ("call +44 20 7946 0958", "phone"),
        ("1-555-010-1234", "phone"),
        ("900-12-3456", "social_security_number"),
        ("DOB: 1984-05-17", "date_of_birth"),
        ("date_of_birth = 5/17/1984", "date_of_birth"),
        ("<td>Birth date</td><td>1984-05-17</td>", "date_of_birth"),
        ("born 17.05.84", "date_of_birth"),
        (
            '<td class="one-rather-long-name">DOB</td><td class="another-rather-long-name">1984-05-17</td>',
            "date_of_birth",
        ),
        ("(555) <b>010-1234</b>", "phone"),
        ("zeb.quill<wbr>@quill.example", "email"),
        ("zeb.quill@<b>quill</b>.example", "email"),
    ],
)
def test_personal_data_is_found_in_every_spelling(text, kind):
    assert kinds(text) == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 64,
        hashlib.sha256(b"x").hexdigest(),
        "16,204,331 rows of 24,000,000,000 bytes",
        "2455667788 bytes",
        "2026-03-04 09:00:00 UTC",
        "params/runs/demo.yml",
        "@page { size: A4 }",
        "@media print",
        'd="M 123 456 7890 L 10 200 3000"',
        "birth dates before 1900-01-01 are sentinels",
        "LOINC 4548-4, CPT 99213-25",
        "AAA-99-9999: 412",
        "2026-03-04-rehearsal",
        "01_audit 10.0.0.1",
    ],
)
def test_what_reports_are_full_of_is_no_alarm(text):
    assert scan(text) == []


def test_a_hit_names_the_line_and_never_the_value():
    hits = scan("one\ntwo zeb@quill.example\nthree")
    assert hits == [Hit("email", "line 2")]


def test_the_operator_may_be_named():
    assert scan("Operator ops@clinic.example", allowed=["ops@clinic.example"]) == []
    assert kinds("zeb@quill.example")


CANARY = "Zébediah O'Quillfeather"


@pytest.mark.parametrize(
    "text",
    [
        "Zébediah O'Quillfeather",
        "ZEBEDIAH O&#x27;QUILLFEATHER",
        "Z\\u00e9bediah O'Quillfeather",
        "Z%C3%A9bediah%20O%27Quillfeather",
        "zebediah-oquillfeather",
        "<b>Zébediah</b> O'Quill<wbr>feather",
        base64.b64encode("name: Zébediah O'Quillfeather".encode()).decode(),
    ],
)
def test_planted_values_are_found_in_every_guise(text):
    assert scan_canaries(f"before {text} after", {"patients.name": CANARY}) == [Hit("patients.name", "text")]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_an_unkeyed_hash_of_a_planted_value_is_a_leak(algorithm):
    digest = hashlib.new(algorithm, b"900-12-3456", usedforsecurity=False).hexdigest()
    assert scan_canaries(f"id {digest.upper()}", {"patients.ssn": "900-12-3456"}) == [
        Hit("patients.ssn", "unkeyed hash")
    ]


def test_nothing_is_found_where_nothing_was_planted():
    assert scan_canaries("Zebediah and Quillfeather, apart", [CANARY]) == []


def test_short_values_are_refused():
    with pytest.raises(ValueError, match="at least 6"):
        scan_canaries("text", ["Ann"])


def test_a_notebook_is_searched_cell_by_cell(tmp_path):
    path = tmp_path / "run.ipynb"
    notebook = {
        "metadata": {"papermill": {"parameters": {"who": "zeb@quill.example"}}},
        "cells": [
            {"cell_type": "markdown", "source": ["fine\n"], "metadata": {}},
            {
                "cell_type": "code",
                "source": "1",
                "metadata": {"tags": []},
                "outputs": [
                    {"output_type": "stream", "text": ["ok\n", "900-12-3456\n"]},
                    {"output_type": "display_data", "data": {}, "metadata": {"alt": "Zébediah O'Quillfeather"}},
                ],
            },
        ],
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = {(hit.kind, hit.where.rpartition(", ")[0]) for hit in scan_file(path, [CANARY])}
    assert found == {
        ("email", "notebook metadata, papermill, parameters, who"),
        ("social_security_number", "cell 2, output 1, text"),
        ("canary 1", "cell 2, output 2, metadata, alt"),
    }


def test_json_and_other_files_are_searched(tmp_path):
    evidence, log = tmp_path / "a.json", tmp_path / "run.log"
    evidence.write_text('{"counts": {"x": 1}, "notes": ["a", "zeb@quill.example"]}', encoding="utf-8")
    log.write_text("fine\n900-12-3456\n", encoding="utf-8")
    assert {hit.kind for hit in scan_file(evidence)} == {"email"}
    assert scan_file(log) == [Hit("social_security_number", "line 2")]
