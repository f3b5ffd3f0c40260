"""A sample phase: evidence and a run notebook such as a phase leaves behind, with every kind of block and output.

`python tests/golden/report/sample.py FOLDER` renders it, its distributable twin, a failed phase and the index.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ennu_lib.report import charts as draw
from ennu_lib.report import either, figure, findings_table, flow, install_guard, note, show, table

RUN_ID = "2026-03-04-rehearsal"
SHA = "3f1a" * 16

RULES = pl.DataFrame(
    {
        "rule": ["Same email and date of birth", "Same name, date of birth and ZIP", "Same phone, similar name", "All"],
        "pairs": [1204, 388, 97, 1689],
        "clusters": [1180, 371, 64, 1615],
        "share": [1180 / 1615, 371 / 1615, 64 / 1615, 1.0],
    }
)

REASONS = pl.DataFrame(
    {
        "reason": ["Twins", "Parent and child share an email", "Name change", "Total"],
        "patients": [4, 41, 19, 64],
    }
)

FINDINGS = [
    {
        "id": "dedupe-members",
        "title": "Every source patient is in exactly one cluster",
        "status": "pass",
        "severity": "block",
        "numerator": 0,
        "denominator": 21_840,
        "threshold": 0.0,
        "threshold_reason": "",
        "note": "",
    },
    {
        "id": "dedupe-review",
        "title": "Pairs that no rule decides",
        "status": "pass_with_exceptions",
        "severity": "error",
        "numerator": 64,
        "denominator": 1689,
        "threshold": 0.05,
        "threshold_reason": "Agreed with the clinic on 2026-02-11: above that the rules need work.",
        "note": "They stay apart until somebody has looked at them; the list is in the workspace.",
    },
    {
        "id": "dedupe-twins",
        "title": "Planted twins that were merged",
        "status": "fail",
        "severity": "error",
        "numerator": 3,
        "denominator": 120,
        "threshold": 0.0,
        "threshold_reason": "Twins are two patients, always.",
        "note": "",
    },
    {
        "id": "dedupe-households",
        "title": "Households whose members were merged",
        "status": "not_applicable",
        "severity": "warn",
        "numerator": 0,
        "denominator": 0,
        "threshold": 0.0,
        "threshold_reason": "",
        "note": "",
    },
]

EVIDENCE: dict[str, Any] = {
    "phase": "03_dedupe",
    "title": "Duplicate patients",
    "run_id": RUN_ID,
    "environment": "rehearsal",
    "verdict": "fail",
    "headline": "21,840 patient rows describe 20,225 patients; 3 pairs of twins were merged by mistake.",
    "summary": "Records were compared within blocks that share an email, a phone number or a name and year of birth. "
    "1,615 clusters of two or more were found and one golden record was built for each; the `members` of every cluster "
    "are kept. The rule that merged the twins must be tightened before the mapping phase may start.",
    "counts": {"rows": 21_840, "golden_records": 20_225, "clusters": 1615, "twins_merged": 3},
    "findings": FINDINGS,
    "accounts": {
        "patients": {"loaded": 20_225, "merged": 1615},
        "patient_phones": {"loaded": 30_118, "merged": 2204, "quarantined": 7, "source_rows": 32_331},
        "audit_log": {"excluded": 1_204_331, "archived": 0},
    },
    "not_done": [
        "Staff and referring providers were not compared with each other.",
        "Pairs that share neither email, phone, nor name and year of birth were not compared at all.",
    ],
    "inputs": {"clean/patients.parquet": "0b" * 32, "clean/patient_phones.parquet": "1c" * 32},
    "outputs": {"identity/clusters.parquet": "2d" * 32},
    "provenance": {"operator": "j.doe", "workbook": "0.1.0", "commit": "5e8c1c1f0a94a2d5c1b8", "python": "3.11.7"},
    "started": "2026-03-04T09:00:00+00:00",
    "finished": "2026-03-04T09:03:05+00:00",
}

PROVENANCE = {"parameters_sha256": SHA, "platform": "Linux x86_64"}

STEPS = [
    {
        "source": "first_name",
        "rule": "trim, then title case",
        "target": "firstname",
        "type": "text",
        "purpose": "addressing the patient",
    },
    {
        "source": "gender_code",
        "rule": "code list `gender`, 4 codes",
        "target": "gender",
        "type": "enumeration",
        "sensitivity": "sensitive",
        "purpose": "reference ranges",
    },
    {"source": "fax", "rule": "no purpose in the new system", "target": "", "purpose": ""},
]


def findings_drawing():
    """The drawing of the sample, made anew at every call."""
    return draw.before_after(
        {"Email": 18_420, "Phone": 20_911, "ZIP": 21_002},
        {"Email": 18_377, "Phone": 21_640, "ZIP": 21_702},
        measure="patients with a usable value",
    )


def output_of(block: Any) -> Any:
    """A block as the kernel stores it when it is the last expression of a cell."""
    return new_output("execute_result", data=block._repr_mimebundle_(), execution_count=1)


def code(source: str, *outputs: Any, number: int = 1, seconds: float = 0.1, tags: tuple[str, ...] = ()) -> Any:
    """An executed code cell."""
    metadata = {"papermill": {"status": "completed", "duration": seconds}, "tags": list(tags)}
    return new_code_cell(source, outputs=list(outputs), execution_count=number, metadata=metadata)


def notebook(seconds: float = 12.4) -> nbformat.NotebookNode:
    """The run notebook of the sample."""
    rules = table(
        RULES,
        caption="Pairs and clusters by rule",
        labels={"share": "Share of clusters"},
        formats={"share": "percent"},
        total_row=True,
    )
    reasons = table(
        REASONS,
        caption="Why pairs were left for review",
        total_row=True,
        people=["patients"],
        units={"patients": "people"},
    )
    remark = note("Twins share a birthday and a household. Only the first name and the `mrn` part them.", "attention")
    drawing = figure(
        findings_drawing(),
        alt="Two bars each for email, phone and ZIP: usable phones rise from 20,911 to 21,640.",
        caption="Usable values before and after remediation.",
    )
    cells = [
        new_markdown_cell("# 03 Duplicate patients\n\nWho is who: one golden record per person."),
        code('run = "params/runs/demo.yml"\nrun_id = "dev"', tags=("parameters",)),
        code(f'# Parameters\nrun = "params/runs/demo.yml"\nrun_id = "{RUN_ID}"\n', tags=("injected-parameters",)),
        code("from ennu_lib.report import install_guard\n\ninstall_guard()", output_of(install_guard()), number=2),
        new_markdown_cell(
            "## Rules\n\nTwo records are the same person when one of three rules says so. "
            "A rule is written in `params/identity.yml`.\n\n### What each rule found"
        ),
        code("table(rules, caption='Pairs and clusters by rule')", output_of(rules), number=3, seconds=seconds),
        code("show(reasons, remark)", output_of(show(reasons, remark)), number=4),
        new_markdown_cell("## Values before and after"),
        code("figure(before_after(...))", output_of(drawing), number=5, seconds=seconds / 4),
        new_markdown_cell("## From field to property"),
        code(
            "flow(steps)",
            output_of(flow(STEPS, caption="patients to Contact", source="patients", target="Contact")),
            number=6,
        ),
        new_markdown_cell("## Left over"),
        code("print('done')", new_output("stream", name="stdout", text="done\n"), number=7),
        code("1615", new_output("execute_result", data={"text/plain": "1615"}, execution_count=8), number=8),
        code(
            "either(...)",
            output_of(either(note("3 pairs of twins."), note("10 or fewer pairs of twins."))),
            number=9,
        ),
    ]
    document = new_notebook(cells=cells)
    for place, cell in enumerate(document.cells):
        cell["id"] = f"sample-{place:02d}"
    return document


def failed_notebook() -> nbformat.NotebookNode:
    """The sample as it is left when its sixth code cell raises, with the message that Python would have stored."""
    document = notebook()
    cells = document.cells[:9]
    cells[8].outputs = [
        new_output("error", ename="DataLost", evalue="patient Zebediah Quillfeather is missing", traceback=["Zebediah"])
    ]
    for cell in document.cells[9:]:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return document


def checks() -> Any:
    """The table of checks on its own."""
    return findings_table(FINDINGS)


def main(folder: Path) -> None:
    """Render everything the sample can show."""
    from ennu_lib.report.index import render_index, render_runs
    from ennu_lib.report.render import render_phase

    folder.mkdir(parents=True, exist_ok=True)
    good, bad = folder / "03_dedupe.ipynb", folder / "failed.ipynb"
    nbformat.write(notebook(), good)
    nbformat.write(failed_notebook(), bad)
    sha = render_phase(good, EVIDENCE, PROVENANCE, folder / "03_dedupe.html")
    render_phase(good, EVIDENCE, PROVENANCE, folder / "distributable.html", audience="distributable")
    render_phase(bad, {**EVIDENCE, "verdict": "pass"}, PROVENANCE, folder / "failed.html")
    render_index(RUN, phases(sha), folder / "index.html")
    render_runs(
        [
            {
                "run_id": RUN_ID,
                "environment": "rehearsal",
                "started": EVIDENCE["started"],
                "page": "index.html",
                "phases": {p["phase"]: p.get("verdict", "not_run") for p in phases(sha)},
            }
        ],
        folder / "runs.html",
    )


RUN = {
    "run_id": RUN_ID,
    "name": "demo",
    "environment": "rehearsal",
    "operator": "j.doe",
    "commit": "5e8c1c1f0a94a2d5c1b8",
    "parameters": "params/runs/demo.yml",
    "started": "2026-03-04T08:58:00+00:00",
}


def phases(sha: str) -> list[dict[str, Any]]:
    """The phases of the sample run: two that passed, the sample, and one that has not run."""
    ran = {"verdict": "pass", "findings": [FINDINGS[0]], "page_sha256": SHA}
    return [
        {
            **ran,
            "phase": "01_audit",
            "title": "Audit",
            "counts": {"rows": 16_204_331},
            "seconds": 41.2,
            "peak_mb": 1_415,
            "page": "01_audit.html",
        },
        {
            **ran,
            "phase": "02_remediation",
            "title": "Remediation",
            "verdict": "pass_with_exceptions",
            "counts": {"rows": 32_331},
            "seconds": 9.5,
            "page": "02_remediation.html",
        },
        {**EVIDENCE, "page": "03_dedupe.html", "page_sha256": sha},
        {"phase": "04_mapping", "title": "Mapping"},
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
