"""The generators of people, their care and their laboratory values, in the order in which they run."""

from __future__ import annotations

from ennu_lib.clinic.clinical_encounters import encounters, problems
from ennu_lib.clinic.clinical_medication import formulary, medications
from ennu_lib.clinic.clinical_notes import allergies, clinical_notes
from ennu_lib.clinic.clinical_prescriptions import chart_medications
from ennu_lib.clinic.clinical_questionnaires import assessments, questionnaires, symptom_ratings
from ennu_lib.clinic.clinical_telehealth import recommendations, telehealth
from ennu_lib.clinic.labs_measures import chart_entries, member_metrics, vitals
from ennu_lib.clinic.labs_messages import hl7_messages
from ennu_lib.clinic.labs_orders import lab_orders, order_papers
from ennu_lib.clinic.labs_panels import panels
from ennu_lib.clinic.labs_reference import (
    laboratories,
    metric_history,
    metric_table,
    ranges_and_codes,
    test_catalog,
)
from ennu_lib.clinic.labs_results import lab_results
from ennu_lib.clinic.labs_scores import health_scores
from ennu_lib.clinic.people_family import family_tables
from ennu_lib.clinic.people_links import contact_tables
from ennu_lib.clinic.people_membership import membership, packages
from ennu_lib.clinic.people_patients import patients
from ennu_lib.clinic.people_profile import custom_field_defs, profile_tables
from ennu_lib.clinic.people_registrations import register_patients

REFERENCE = [
    metric_table,
    metric_history,
    laboratories,
    test_catalog,
    panels,
    ranges_and_codes,
    custom_field_defs,
    packages,
    formulary,
    questionnaires,
]
PER_CHUNK = [
    register_patients,
    patients,
    contact_tables,
    family_tables,
    profile_tables,
    encounters,
    problems,
    telehealth,
    recommendations,
    membership,
    lab_orders,
    order_papers,
    lab_results,
    vitals,
    chart_entries,
    member_metrics,
    health_scores,
    medications,
    chart_medications,
    assessments,
    symptom_ratings,
    clinical_notes,
    allergies,
    hl7_messages,
]
