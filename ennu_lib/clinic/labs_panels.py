"""Panels of tests: those of the laboratories and the clinic's own."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_metrics import (
    VENDORS,
    lab_codes,
    laboratory_metrics,
    metrics,
)
from ennu_lib.clinic.people_draw import (
    any_seconds,
    day_number,
    moments,
    sometimes,
)

CLINIC_PANELS = ("Comprehensive", "Hormone", "Metabolic", "Cardiac", "Thyroid", "CBC", "Nutrient", "Inflammation")


def panels(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_panels`, `lab_panel_tests` and the clinic's own map `25againlabpanels`."""
    rng = chunk.rng("lab_panels")
    n = chunk.rows_for("lab_panels")
    number = np.arange(n)
    kind = number % len(CLINIC_PANELS)
    vendor = number // len(CLINIC_PANELS) % len(VENDORS)
    edition = number // (len(CLINIC_PANELS) * len(VENDORS))
    facilities = chunk.reference["lab_facilities"]
    at_vendor = facilities.group_by("lab_vendor", maintain_order=True).agg(pl.col("lab_facility_id").first())
    first_site = dict(at_vendor.iter_rows())
    types = pl.Series(values=CLINIC_PANELS).gather(kind)
    keys = chunk.take_keys("lab_panels", n)
    frame = pl.DataFrame(
        {
            "panel_id": keys,
            "panel_code": [
                f"{VENDORS[v][:2].upper()}-{CLINIC_PANELS[k][:4].upper()}-{e:02d}"
                for v, k, e in zip(vendor, kind, edition, strict=True)
            ],
            "panel_name": [
                f"{CLINIC_PANELS[k]} Panel, {VENDORS[v]}" + (f", version {e + 1}" if e else "")
                for v, k, e in zip(vendor, kind, edition, strict=True)
            ],
            "panel_type": types.str.to_lowercase(),
            "lab_facility_id": sometimes(rng, pl.Series([first_site[VENDORS[v]] for v in vendor]), 0.1),
            "price": sometimes(rng, pl.Series(rng.integers(8, 120, n) * 5.0), 0.08),
            "is_active": edition == 0,
            "last_updated": moments(day_number(chunk.as_of) - rng.integers(10, 2500, n), any_seconds(rng, n)),
        }
    )
    chunk.reference["lab_panels"] = frame
    return {
        "lab_panels": frame,
        "lab_panel_tests": _panel_tests(chunk, keys, kind, vendor),
        "25againlabpanels": _clinic_panel_map(chunk, keys),
    }


def panel_members(panel: str) -> np.ndarray:
    """Positions of the laboratory biomarkers that belong to a clinic panel."""
    inside = metrics()["panel"].str.split("|").list.contains(panel).to_numpy()
    return np.intersect1d(np.flatnonzero(inside), laboratory_metrics())


def _panel_tests(chunk: Chunk, keys: np.ndarray, kind: np.ndarray, vendor: np.ndarray) -> pl.DataFrame:
    wanted = chunk.rows_for("lab_panel_tests")
    parts = []
    for panel, which, sold_by in zip(keys, kind, vendor, strict=True):
        members = panel_members(CLINIC_PANELS[which])
        parts.append(
            pl.DataFrame(
                {"panel_id": np.full(len(members), panel), "test_code": lab_codes()[sold_by, members].tolist()}
            )
        )
    tests = pl.concat(parts).head(wanted)
    return tests.select(
        pl.Series("panel_test_id", chunk.take_keys("lab_panel_tests", len(tests))),
        "panel_id",
        "test_code",
        (pl.int_range(pl.len()).over("panel_id") + 1).alias("order"),
        pl.lit("Y").alias("is_required"),
    )


def _clinic_panel_map(chunk: Chunk, keys: np.ndarray) -> pl.DataFrame:
    parts = [(panel, metric) for panel in CLINIC_PANELS for metric in panel_members(panel)]
    metric = np.array([at for _, at in parts])
    frame = metrics()
    panel = pl.Series("panel_name", [name for name, _ in parts])
    n = len(parts)
    position = pl.DataFrame({"panel": panel}).select(pl.int_range(pl.len()).over("panel") + 1).to_series()
    return pl.DataFrame(
        {
            "panel_map_id": chunk.take_keys("25againlabpanels", n),
            "panel_name": panel,
            "metric_id": frame["metric_id"].gather(metric),
            "panel_id": [int(keys[CLINIC_PANELS.index(name)]) for name in panel],
            "test_code": lab_codes()[0, metric].tolist(),
            "loinc_code": frame["loinc_code"].gather(metric),
            "lab_vendor": ["LabCorp"] * n,
            "order": position,
            "is_active": [True] * n,
        }
    )
