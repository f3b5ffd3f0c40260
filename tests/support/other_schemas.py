"""Schemas in the manner of OpenEMR and Open Dental, filled with made-up values; each column says what it holds.

A column is written `name kind class`. Kinds make values: `id` numbers the rows, `>table` points at a table, the others
are below. Classes are abbreviated: `-` no personal data, `c` clinical, else the name of the class.
"""

from __future__ import annotations

import numpy as np
import polars as pl

ROWS = 240

OPENEMR = """
patient_data: id id medical_record_number | uuid bytes ? | title title ? | language lang c | fname given names
  | lname family names | mname given names | DOB date dates | street street geographic | postal_code zip geographic
  | city city geographic | state state c | country_code country c | drivers_license licence certificate_license
  | ss ssn social_security_number | occupation words c | phone_home phone telephone | phone_biz phone telephone
  | phone_contact phone telephone | phone_cell phone telephone | pharmacy_id int ? | status status c
  | contact_relationship person names | date stamp dates | sex sex c | referrer person names | providerID >users -
  | email email email | email_direct email email | ethnoracial words c | race words c | financial int c
  | pubpid mrn medical_record_number | pid same:id medical_record_number | genericname1 words ? | hipaa_mail yn ?
  | guardiansname person names | mothersname person names | deceased_date date dates | county city geographic
form_vitals: id id - | date stamp dates | pid >patient_data medical_record_number | user login ? | bps bp c | bpd bp c
  | weight decimal c | height decimal c | temperature decimal c | note sentence c | activity yn ?
form_encounter: id id - | date stamp dates | reason sentence c | facility words c | facility_id >facility -
  | pid >patient_data medical_record_number | encounter id2 ? | onset_date stamp dates | sensitivity status c
  | billing_note sentence c | pc_catid int ? | provider_id >users - | date_end stamp dates
lists: id id - | date stamp dates | type status c | title words c | begdate stamp dates | enddate stamp dates
  | diagnosis icd c | pid >patient_data medical_record_number | user login ?
  | comments sentence c | severity_al status c
prescriptions: id id - | patient_id >patient_data medical_record_number | date_added stamp dates | provider_id >users -
  | drug words c | dosage words c | quantity decimal c | refills int c | note sentence c | rxnorm_drugcode code ?
insurance_data: id id - | type status c | provider >insurance_companies - | plan_name words c
  | policy_number policy health_plan_number | group_number policy health_plan_number | subscriber_lname family names
  | subscriber_fname given names | subscriber_relationship status c | subscriber_ss ssn social_security_number
  | subscriber_DOB date dates | subscriber_street street geographic | subscriber_postal_code zip geographic
  | subscriber_city city geographic | subscriber_phone phone telephone | copay decimal c | date date dates
  | pid >patient_data medical_record_number | subscriber_employer words names
insurance_companies: id id - | name words - | attn words - | cms_id code - | x12_receiver_id code -
facility: id id - | name words - | phone phone - | fax phone - | street street - | city city - | facility_npi code -
users: id id - | username login other_unique | fname given names | lname family names | federaltaxid code ?
  | npi npi certificate_license | email email email | phone phone telephone | phonecell phone telephone
  | specialty words - | authorized yn - | active yn -
documents: id id - | url path ? | mimetype status - | docdate date dates
  | foreign_id >patient_data medical_record_number
  | list_id >lists ? | name words ?
codes: id id - | code code - | code_text words - | fee decimal - | active yn -
log: id id - | date stamp ? | event status ? | user login ? | patient_id >patient_data medical_record_number
  | comments sentence ? | checksum hash ?
pnotes: id id - | date stamp dates | body sentence c | pid >patient_data medical_record_number | user login ?
  | title words c | assigned_to login other_unique | message_status status c
immunizations: id id - | patient_id >patient_data medical_record_number | administered_date stamp dates
  | immunization_id int ? | manufacturer words c | lot_number code ? | note sentence c
employer_data: id id - | name words names | street street geographic | postal_code zip geographic | city city geographic
  | pid >patient_data medical_record_number | date stamp dates
"""

OPEN_DENTAL = """
patient: PatNum id medical_record_number | LName family names | FName given names | MiddleI initial names
  | Preferred given names | PatStatus int c | Gender int c | Position int ? | Birthdate date dates
  | SSN ssn social_security_number | Address street geographic | Address2 unit geographic | City city geographic
  | State state c | Zip zip geographic | HmPhone phone telephone
  | WkPhone phone telephone | WirelessPhone phone telephone
  | Guarantor >patient medical_record_number | CreditType status c | Email email email | Salutation given names
  | EstBalance decimal c | PriProv >provider - | FeeSched int ? | BillingType int c | ImageFolder code ?
  | AddrNote sentence ? | MedUrgNote sentence c | ChartNumber mrn medical_record_number
  | MedicaidID policy health_plan_number | DateFirstVisit date dates | ClinicNum >clinic - | EmployerNum int ?
  | Language lang c | DateTStamp stamp dates | Country country c
appointment: AptNum id - | PatNum >patient medical_record_number | AptStatus int c | Pattern code ? | Confirmed int c
  | Note sentence c | ProvNum >provider - | AptDateTime stamp dates | ProcDescript words c | ClinicNum >clinic -
  | IsNewPatient yn ? | DateTStamp stamp dates | ProvHyg >provider ?
procedurelog: ProcNum id - | PatNum >patient medical_record_number | AptNum >appointment - | ProcDate date dates
  | ProcFee decimal c | Surf status c | ToothNum int c | ProvNum >provider - | DiagnosticCode icd c
  | PlaceService int c | CodeNum >procedurecode - | DateEntryC date dates | BillingNote sentence c
procedurecode: CodeNum id - | ProcCode code - | Descript words - | AbbrDesc words - | ProcTime code -
provider: ProvNum id - | Abbr initial ? | LName family names | FName given names | MI initial names
  | SSN ssn social_security_number | StateLicense licence certificate_license | DEANum licence certificate_license
  | NationalProvID npi ? | IsHidden yn -
clinic: ClinicNum id - | Description words - | Address street - | City city - | Zip zip - | Phone phone -
payment: PayNum id - | PayType int c | PayDate date dates | PayAmt decimal c | CheckNum code account_number
  | BankBranch words c | PayNote sentence c | PatNum >patient medical_record_number | ClinicNum >clinic -
claim: ClaimNum id - | PatNum >patient medical_record_number | DateService date dates | DateSent date dates
  | ClaimStatus status c | ProvTreat >provider - | ClaimFee decimal c | ClaimNote sentence c
  | PriorAuthorizationNumber code other_unique | ClinicNum >clinic -
inssub: InsSubNum id - | Subscriber >patient medical_record_number | DateEffective date dates
  | SubscriberID policy health_plan_number | BenefitNotes sentence c
rxpat: RxNum id - | PatNum >patient medical_record_number | RxDate date dates | Drug words c | Sig sentence c
  | Disp words c | Refills int c | ProvNum >provider - | Notes sentence c
document: DocNum id - | Description words ? | DateCreated stamp dates | PatNum >patient medical_record_number
  | FileName path ? | Signature hash ?
commlog: CommlogNum id - | PatNum >patient medical_record_number | CommDateTime stamp dates | CommType int c
  | Note sentence c | UserNum >userod - | Signature hash ?
userod: UserNum id - | UserName login other_unique | EmployeeNum int ? | ProvNum >provider -
allergy: AllergyNum id - | PatNum >patient medical_record_number | Reaction words c | DateAdverseReaction date dates
emailmessage: EmailMessageNum id - | PatNum >patient medical_record_number | ToAddress email ? | FromAddress email ?
  | Subject sentence c | BodyText sentence c | MsgDateTime stamp dates
patfield: PatFieldNum id - | PatNum >patient medical_record_number | FieldName words c | FieldValue words c
"""


def schema(text: str, seed: int = 1) -> tuple[dict[str, pl.DataFrame], dict[tuple[str, str], str]]:
    """The tables of a schema with their rows, and the class of every column whose class is beyond dispute (not `?`)."""
    rng = np.random.default_rng(seed)
    classes: dict[tuple[str, str], str] = {}
    tables: dict[str, pl.DataFrame] = {}
    for line in text.replace("\n  ", " ").strip().splitlines():
        name, _, described = line.partition(":")
        rows = 40 if name in ("users", "userod", "provider", "facility", "clinic", "insurance_companies") else ROWS
        columns: dict[str, list] = {}
        for part in described.split("|"):
            column, kind, held = part.split()
            columns[column] = columns["id"][:] if kind == "same:id" else _values(kind, rows, rng)
            if held != "?":
                classes[name, column] = {"-": "none", "c": "clinical"}.get(held, held)
        tables[name] = pl.DataFrame(columns)
    return tables, classes


def _values(kind: str, rows: int, rng: np.random.Generator) -> list:
    if kind in ("id", "id2"):
        return list(range(1, rows + 1)) if kind == "id" else [100_000 + 7 * n for n in range(rows)]
    if kind.startswith(">"):
        few = kind[1:] in ("users", "userod", "provider", "facility", "clinic", "insurance_companies")
        return rng.integers(1, (40 if few else ROWS) + 1, rows).tolist()
    numbers = rng.integers(0, 10**9, rows).tolist()
    return [MAKERS[kind](n, place) for place, n in enumerate(numbers)]


def _pick(*words: str):
    return lambda n, _: words[n % len(words)]


def _day(n: int) -> str:
    return f"{1940 + n % 80}-{1 + n % 12:02}-{1 + n % 28:02}"


GIVEN = ("Ada", "Bea", "Cal", "Dov", "Eli", "Fay", "Gus", "Hal", "Ida", "Joy", "Kit", "Lou", "Mae", "Ned", "Oda", "Pia")
FAMILY = ("Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ivy", "Juniper", "Larch", "Maple", "Oak")
THINGS = ("blue form", "left side", "daily", "with meals", "see plan", "routine", "second visit", "oral", "after lunch")
MAKERS = {
    "bytes": lambda n, p: f"{n:032x}",
    "title": _pick("Mr.", "Ms.", "Dr."),
    "lang": _pick("English", "Spanish", "French"),
    "given": lambda n, p: GIVEN[n % 16],
    "family": lambda n, p: FAMILY[n % 13],
    "person": lambda n, p: f"{GIVEN[n % 16]} {FAMILY[n // 16 % 13]}",
    "date": lambda n, p: _day(n),
    "stamp": lambda n, p: f"{2010 + n % 16}-{1 + n % 12:02}-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:00",
    "street": lambda n, p: f"{n % 9000 + 1} {FAMILY[n % 13]} St",
    "unit": lambda n, p: f"Apt {n % 90}",
    "zip": lambda n, p: f"{n % 90000 + 10000}",
    "city": _pick("Springfield", "Rivertown", "Lakeside", "Hillview", "Fairfield", "Brookside", "Weston", "Easton"),
    "state": _pick("FL", "GA", "NY", "TX", "CA"),
    "country": _pick("US", "USA"),
    "licence": lambda n, p: f"L{n % 10**7:07}",
    "ssn": lambda n, p: f"9{n % 90 + 10}-{n % 89 + 10}-{n % 9000 + 1000}",
    "phone": lambda n, p: f"({n % 700 + 201}) 555-{n % 9000 + 1000}",
    "int": lambda n, p: n % 9,
    "bp": lambda n, p: 60 + n % 90,
    "status": _pick("open", "closed", "new"),
    "sex": _pick("Female", "Male"),
    "email": lambda n, p: f"{GIVEN[n % 16].lower()}{p}@mail{n % 9}.org",
    "words": lambda n, p: THINGS[n % 9],
    "mrn": lambda n, p: f"C{100000 + p}",
    "yn": lambda n, p: n % 2,
    "login": lambda n, p: f"{GIVEN[n % 16].lower()}{n % 40}",
    "decimal": lambda n, p: n % 20000 / 100,
    "sentence": lambda n, p: f"This is what was said about {THINGS[n % 9]} on that day, number {n % 500}",
    "icd": lambda n, p: f"{'ABCDEFGHIJ'[n % 10]}{n % 90 + 10}.{n % 10}",
    "code": lambda n, p: f"X{n % 5000:04}",
    "policy": lambda n, p: f"W{n % 10**9:09}",
    "npi": lambda n, p: f"1{n % 10**9:09}",
    "path": lambda n, p: f"/store/{n}/{p}.pdf",
    "hash": lambda n, p: f"{n:040x}",
    "initial": lambda n, p: GIVEN[n % 16][0],
}  # fmt: skip


def synthea(patients: int = 60, seed: int = 3) -> dict[str, pl.DataFrame]:
    """Tables with the columns of a Synthea CSV export: capitals, UUIDs as keys, references without `_id`."""
    rng = np.random.default_rng(seed)

    def ids(count: int, first: int) -> list[str]:
        return [f"{first:08x}-0000-4000-8000-{n:012x}" for n in range(count)]

    def of(keys: list[str], count: int) -> list[str]:
        return [keys[n] for n in rng.integers(0, len(keys), count)]

    people, places, doctors, payers = ids(patients, 1), ids(6, 2), ids(12, 3), ids(9, 4)
    visits = ids(patients * 5, 5)
    count = len(visits)
    day = [f"20{n % 15 + 10}-0{n % 9 + 1}-1{n % 9}" for n in range(count)]
    code = [f"{100_000 + n % 40}" for n in range(count)]
    of_visit = {"PATIENT": of(people, count), "ENCOUNTER": of(visits, count), "CODE": code}
    return {
        "patients": pl.DataFrame(
            {
                "Id": people,
                "BIRTHDATE": day[:patients],
                "SSN": [f"999-{n % 90 + 10}-{n + 1000}" for n in range(patients)],
            }
            | {"FIRST": of(list(GIVEN), patients), "LAST": of(list(FAMILY), patients), "CITY": ["Easton"] * patients}
        ),
        "organizations": pl.DataFrame({"Id": places, "NAME": [f"Site {n}" for n in range(6)]}),
        "providers": pl.DataFrame({"Id": doctors, "ORGANIZATION": of(places, 12), "NAME": of(list(FAMILY), 12)}),
        "payers": pl.DataFrame({"Id": payers, "NAME": [f"Plan {n}" for n in range(9)]}),
        "encounters": pl.DataFrame(
            {"Id": visits, "START": day, "PATIENT": of(people, count), "ORGANIZATION": of(places, count)}
            | {"PROVIDER": of(doctors, count), "PAYER": of(payers, count), "CODE": code}
        ),
        "conditions": pl.DataFrame({"START": day, **of_visit}),
        "observations": pl.DataFrame({"DATE": day, **of_visit, "VALUE": code}),
        "payer_transitions": pl.DataFrame({"PATIENT": people, "PAYER": of(payers, patients)}),
    }
