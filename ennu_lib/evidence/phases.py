"""The phases of a run, in order, with what each one builds on."""

from __future__ import annotations

from dataclasses import dataclass

from ennu_lib.errors import UsageError


@dataclass(frozen=True)
class PhaseSpec:
    """One notebook: its name, its title, the phases whose files it reads, and whether it needs the portal."""

    name: str
    title: str
    needs: tuple[str, ...] = ()
    portal: bool = False

    @property
    def notebook(self) -> str:
        return f"{self.name}.ipynb"


PHASES = (
    PhaseSpec("01_audit", "Audit"),
    PhaseSpec("02_remediation", "Remediation", ("01_audit",)),
    PhaseSpec("03_dedupe", "Dedupe", ("02_remediation",)),
    PhaseSpec("04_mapping", "Mapping", ("01_audit", "02_remediation", "03_dedupe")),
    PhaseSpec("05_health_scores", "Health scores", ("01_audit", "03_dedupe", "04_mapping")),
    PhaseSpec("06_backup", "Backup", ("01_audit",), portal=True),
    PhaseSpec("07_load", "Load", ("04_mapping", "05_health_scores", "06_backup"), portal=True),
    PhaseSpec(
        "08_reconciliation",
        "Reconciliation",
        ("01_audit", "04_mapping", "05_health_scores", "07_load"),
        portal=True,
    ),
)


def phase_spec(name: str) -> PhaseSpec:
    """The phase called `name`; the number or the noun alone will do. Raises UsageError for any other."""
    for spec in PHASES:
        number, noun = spec.name.split("_", 1)
        if name in (spec.name, number, str(int(number)), noun):
            return spec
    raise UsageError(f"there is no phase {name!r}; the phases are {', '.join(s.name for s in PHASES)}")
