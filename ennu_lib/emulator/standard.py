"""The object types, properties and association types that every HubSpot portal is born with.

A selection: what a migration meets. Type ids of associations are those of `hubspot.crm.association_type` in the
official client (Apache-2.0) and of HubSpot's published list.
"""

from __future__ import annotations

from typing import NamedTuple


class StandardType(NamedTuple):
    """A standard object type; the first alias is the one its scopes and paths use."""

    type_id: str
    name: str
    aliases: tuple[str, ...]
    singular: str
    plural: str
    primary_display: str
    defaults: tuple[str, ...]
    searchable: tuple[str, ...] = ()


class StandardProperty(NamedTuple):
    """A standard property; `options` are values, their labels are made from them."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[str, ...] = ()
    read_only: bool = False


_STAMPS = ("createdate", "hs_lastmodifieddate", "hs_object_id")
_ACTIVITY_STAMPS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")

OBJECT_TYPES = (
    StandardType(
        "0-1",
        "CONTACT",
        ("contacts", "contact"),
        "Contact",
        "Contacts",
        "firstname",
        ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
        ("firstname", "lastname", "email", "phone", "hs_additional_emails", "fax", "mobilephone", "company"),
    ),
    StandardType(
        "0-2",
        "COMPANY",
        ("companies", "company"),
        "Company",
        "Companies",
        "name",
        ("name", "domain", *_STAMPS),
        ("website", "phone", "name", "domain"),
    ),
    StandardType(
        "0-3",
        "DEAL",
        ("deals", "deal"),
        "Deal",
        "Deals",
        "dealname",
        ("dealname", "amount", "closedate", "pipeline", "dealstage", *_STAMPS),
        ("dealname", "pipeline", "dealstage", "description"),
    ),
    StandardType(
        "0-5",
        "TICKET",
        ("tickets", "ticket"),
        "Ticket",
        "Tickets",
        "subject",
        ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", *_STAMPS),
        ("subject", "content", "hs_pipeline_stage"),
    ),
    StandardType(
        "0-11",
        "CONVERSATION",
        ("conversations", "conversation"),
        "Conversation",
        "Conversations",
        "hs_object_id",
        _ACTIVITY_STAMPS,
    ),
    StandardType(
        "0-18",
        "COMMUNICATION",
        ("communications", "communication"),
        "Communication",
        "Communications",
        "hs_communication_body",
        _ACTIVITY_STAMPS,
    ),
    StandardType("0-27", "TASK", ("tasks", "task"), "Task", "Tasks", "hs_task_subject", _ACTIVITY_STAMPS),
    StandardType("0-46", "NOTE", ("notes", "note"), "Note", "Notes", "hs_note_body", _ACTIVITY_STAMPS),
    StandardType(
        "0-47",
        "MEETING_EVENT",
        ("meetings", "meeting", "meeting_event"),
        "Meeting",
        "Meetings",
        "hs_meeting_title",
        _ACTIVITY_STAMPS,
    ),
    StandardType("0-48", "CALL", ("calls", "call"), "Call", "Calls", "hs_call_title", _ACTIVITY_STAMPS),
    StandardType("0-49", "EMAIL", ("emails", "email"), "Email", "Emails", "hs_email_subject", _ACTIVITY_STAMPS),
    StandardType(
        "0-116", "POSTAL_MAIL", ("postal_mail",), "Postal mail", "Postal mails", "hs_postal_mail_body", _ACTIVITY_STAMPS
    ),
    StandardType(
        "0-421",
        "APPOINTMENT",
        ("appointments", "appointment"),
        "Appointment",
        "Appointments",
        "hs_appointment_name",
        _ACTIVITY_STAMPS,
    ),
)

ACTIVITIES = ("0-49", "0-47", "0-46", "0-27", "0-48", "0-11")
"""Every custom object is associated with these from its first day."""

SYSTEM_PROPERTIES = (
    StandardProperty("hs_object_id", "Record ID", "number", "number", read_only=True),
    StandardProperty("hs_object_source", "Record source", read_only=True),
    StandardProperty("hs_object_source_id", "Record source ID", read_only=True),
    StandardProperty("hs_object_source_label", "Record source label", read_only=True),
    StandardProperty("hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox", read_only=True),
    StandardProperty("hs_created_by_user_id", "Created by user ID", "number", "number", read_only=True),
    StandardProperty("hs_updated_by_user_id", "Updated by user ID", "number", "number", read_only=True),
    StandardProperty("hubspot_owner_id", "Owner", "enumeration", "select"),
)

_DATE = ("datetime", "date")
_AREA = ("string", "textarea")
_PHONE = ("string", "phonenumber")
_NUMBER = ("number", "number")
_SELECT = ("enumeration", "select")

PROPERTIES: dict[str, tuple[StandardProperty, ...]] = {
    "0-1": (
        StandardProperty("firstname", "First Name"),
        StandardProperty("lastname", "Last Name"),
        StandardProperty("email", "Email"),
        StandardProperty("hs_additional_emails", "Additional email addresses", "enumeration", "checkbox", (), True),
        StandardProperty("hs_email_domain", "Email Domain", read_only=True),
        StandardProperty("hs_full_name_or_email", "Full name or email", read_only=True),
        StandardProperty("phone", "Phone Number", *_PHONE),
        StandardProperty("mobilephone", "Mobile Phone Number", *_PHONE),
        StandardProperty("fax", "Fax Number"),
        StandardProperty("salutation", "Salutation"),
        StandardProperty("address", "Street Address"),
        StandardProperty("city", "City"),
        StandardProperty("state", "State/Region"),
        StandardProperty("zip", "Postal Code"),
        StandardProperty("country", "Country/Region"),
        StandardProperty("company", "Company Name"),
        StandardProperty("jobtitle", "Job Title"),
        StandardProperty("website", "Website URL"),
        StandardProperty("date_of_birth", "Date of birth"),
        StandardProperty("gender", "Gender"),
        StandardProperty("marital_status", "Marital Status"),
        StandardProperty("message", "Message", *_AREA),
        StandardProperty("annualrevenue", "Annual Revenue"),
        StandardProperty(
            "lifecyclestage", "Lifecycle Stage", "enumeration", "radio",
            ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer",
             "evangelist", "other"),
        ),
        StandardProperty(
            "hs_lead_status", "Lead Status", "enumeration", "radio",
            ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED",
             "BAD_TIMING"),
        ),
        StandardProperty("hs_language", "Preferred language", *_SELECT, ("en", "es", "fr", "de", "pt", "zh-cn", "vi")),
        StandardProperty("lastmodifieddate", "Last Modified Date", *_DATE, (), True),
    ),
    "0-2": (
        StandardProperty("name", "Company name"),
        StandardProperty("domain", "Company Domain Name"),
        StandardProperty("website", "Website URL"),
        StandardProperty("phone", "Phone Number", *_PHONE),
        StandardProperty("address", "Street Address"),
        StandardProperty("city", "City"),
        StandardProperty("state", "State/Region"),
        StandardProperty("zip", "Postal Code"),
        StandardProperty("country", "Country/Region"),
        StandardProperty("description", "Description", *_AREA),
        StandardProperty("numberofemployees", "Number of Employees", *_NUMBER),
        StandardProperty("annualrevenue", "Annual Revenue", *_NUMBER),
    ),
    "0-3": (
        StandardProperty("dealname", "Deal Name"),
        StandardProperty("amount", "Amount", *_NUMBER),
        StandardProperty("closedate", "Close Date", *_DATE),
        StandardProperty("pipeline", "Pipeline", *_SELECT, ("default",)),
        StandardProperty(
            "dealstage", "Deal Stage", "enumeration", "radio",
            ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin",
             "contractsent", "closedwon", "closedlost"),
        ),
        StandardProperty("description", "Deal Description", *_AREA),
    ),
    "0-5": (
        StandardProperty("subject", "Ticket name"),
        StandardProperty("content", "Ticket description", *_AREA),
        StandardProperty("hs_pipeline", "Pipeline", *_SELECT, ("0",)),
        StandardProperty("hs_pipeline_stage", "Ticket status", *_SELECT, ("1", "2", "3", "4")),
        StandardProperty("hs_ticket_priority", "Priority", *_SELECT, ("LOW", "MEDIUM", "HIGH", "URGENT")),
    ),
    "0-18": (
        StandardProperty("hs_communication_body", "Communication body", *_AREA),
        StandardProperty("hs_communication_channel_type", "Channel", *_SELECT,
                         ("SMS", "WHATS_APP", "LINKEDIN_MESSAGE", "CUSTOM_CHANNEL_CONVERSATION")),
        StandardProperty("hs_communication_logged_from", "Logged from", *_SELECT, ("CRM",)),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-27": (
        StandardProperty("hs_task_subject", "Task Title"),
        StandardProperty("hs_task_body", "Task Notes", *_AREA),
        StandardProperty("hs_task_status", "Task Status", *_SELECT,
                         ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")),
        StandardProperty("hs_task_priority", "Priority", *_SELECT, ("NONE", "LOW", "MEDIUM", "HIGH")),
        StandardProperty("hs_timestamp", "Due date", *_DATE),
    ),
    "0-46": (
        StandardProperty("hs_note_body", "Note body", *_AREA),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-47": (
        StandardProperty("hs_meeting_title", "Meeting title"),
        StandardProperty("hs_meeting_body", "Meeting description", *_AREA),
        StandardProperty("hs_meeting_start_time", "Meeting start time", *_DATE),
        StandardProperty("hs_meeting_end_time", "Meeting end time", *_DATE),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-48": (
        StandardProperty("hs_call_title", "Call title"),
        StandardProperty("hs_call_body", "Call notes", *_AREA),
        StandardProperty("hs_call_duration", "Call duration", *_NUMBER),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-49": (
        StandardProperty("hs_email_subject", "Email subject"),
        StandardProperty("hs_email_text", "Email body", *_AREA),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-116": (
        StandardProperty("hs_postal_mail_body", "Body", *_AREA),
        StandardProperty("hs_timestamp", "Activity date", *_DATE),
    ),
    "0-421": (
        StandardProperty("hs_appointment_name", "Appointment name"),
        StandardProperty("hs_appointment_start", "Appointment start", *_DATE),
        StandardProperty("hs_appointment_end", "Appointment end", *_DATE),
    ),
}  # fmt: skip

ASSOCIATIONS: tuple[tuple[str, str, int, int, str | None], ...] = (
    ("0-1", "0-1", 449, 449, None),
    ("0-2", "0-2", 450, 450, None),
    ("0-3", "0-3", 451, 451, None),
    ("0-5", "0-5", 452, 452, None),
    ("0-1", "0-2", 279, 280, None),
    ("0-1", "0-2", 1, 2, "Primary"),
    ("0-1", "0-3", 4, 3, None),
    ("0-1", "0-5", 15, 16, None),
    ("0-2", "0-3", 342, 341, None),
    ("0-2", "0-3", 6, 5, "Primary"),
    ("0-2", "0-5", 340, 339, None),
    ("0-2", "0-5", 25, 26, "Primary"),
    ("0-3", "0-5", 27, 28, None),
    ("0-1", "0-48", 193, 194, None),
    ("0-1", "0-49", 197, 198, None),
    ("0-1", "0-47", 199, 200, None),
    ("0-1", "0-46", 201, 202, None),
    ("0-1", "0-27", 203, 204, None),
    ("0-1", "0-18", 82, 81, None),
    ("0-1", "0-116", 454, 453, None),
    ("0-2", "0-48", 181, 182, None),
    ("0-2", "0-49", 185, 186, None),
    ("0-2", "0-47", 187, 188, None),
    ("0-2", "0-46", 189, 190, None),
    ("0-2", "0-27", 191, 192, None),
    ("0-2", "0-116", 460, 459, None),
    ("0-3", "0-48", 205, 206, None),
    ("0-3", "0-49", 209, 210, None),
    ("0-3", "0-47", 211, 212, None),
    ("0-3", "0-46", 213, 214, None),
    ("0-3", "0-27", 215, 216, None),
    ("0-3", "0-116", 458, 457, None),
    ("0-5", "0-48", 219, 220, None),
    ("0-5", "0-49", 223, 224, None),
    ("0-5", "0-47", 225, 226, None),
    ("0-5", "0-46", 227, 228, None),
    ("0-5", "0-27", 229, 230, None),
    ("0-5", "0-116", 456, 455, None),
)
"""From, to, type id, type id of the other direction, label."""
