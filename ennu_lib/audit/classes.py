"""The classes of columns: the 18 identifiers of HIPAA's Safe Harbor, and what else a column can be."""

from __future__ import annotations

from enum import StrEnum


class PersonalClass(StrEnum):
    """45 CFR 164.514(b)(2)(i), (A) to (R), in its order; then what is no identifier."""

    NAMES = "names"
    GEOGRAPHIC = "geographic"
    DATES = "dates"
    TELEPHONE = "telephone"
    FAX = "fax"
    EMAIL = "email"
    SOCIAL_SECURITY_NUMBER = "social_security_number"
    MEDICAL_RECORD_NUMBER = "medical_record_number"
    HEALTH_PLAN_NUMBER = "health_plan_number"
    ACCOUNT_NUMBER = "account_number"
    CERTIFICATE_LICENSE = "certificate_license"
    VEHICLE = "vehicle"
    DEVICE = "device"
    URL = "url"
    IP_ADDRESS = "ip_address"
    BIOMETRIC = "biometric"
    PHOTO = "photo"
    OTHER_UNIQUE = "other_unique"
    CLINICAL = "clinical"
    OPERATIONAL = "operational"
    NONE = "none"


NOT_PERSONAL = frozenset({PersonalClass.OPERATIONAL, PersonalClass.NONE})
IDENTIFIERS = frozenset(PersonalClass) - NOT_PERSONAL - {PersonalClass.CLINICAL}
PERSONAL = frozenset(PersonalClass) - NOT_PERSONAL
