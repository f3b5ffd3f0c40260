"""The office of the clinic: staff, reference tables, scheduling and billing, in the order in which they are made."""

from __future__ import annotations

from ennu_lib.clinic import (
    billing_accounts,
    billing_charges,
    billing_claims,
    billing_insurance,
    billing_payments,
    billing_records,
    billing_reference,
    billing_settlement,
    office_credentials,
    office_staff,
    reference_codes,
    reference_drugs,
    reference_labs,
    reference_lists,
    reference_places,
    scheduling_appointments,
    scheduling_events,
    scheduling_recalls,
    scheduling_reference,
)

REFERENCE = [
    *reference_lists.REFERENCE,
    *reference_codes.REFERENCE,
    *reference_labs.REFERENCE,
    *reference_drugs.REFERENCE,
    *reference_places.REFERENCE,
    *office_staff.REFERENCE,
    *office_credentials.REFERENCE,
    *scheduling_reference.REFERENCE,
    *billing_reference.REFERENCE,
]

PER_CHUNK = [
    *scheduling_appointments.PER_CHUNK,
    *scheduling_recalls.PER_CHUNK,
    *scheduling_events.PER_CHUNK,
    *billing_insurance.PER_CHUNK,
    *billing_charges.PER_CHUNK,
    *billing_claims.PER_CHUNK,
    *billing_settlement.PER_CHUNK,
    *billing_payments.PER_CHUNK,
    *billing_records.PER_CHUNK,
    *billing_accounts.PER_CHUNK,
]
