# Made by infra/clients.py from docs/openapi.json; changes are lost.

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class ProblemField(TypedDict):
    pointer: str
    """
    A JSON Pointer into the body, or the name of a parameter, header or CSV column.
    """
    code: str
    """
    Stable, for programs.
    """
    message: str
    """
    The fault, for people.
    """
    hint: NotRequired[str]
    """
    The known name or value that is nearest to an unknown one.
    """


class Evidence(TypedDict):
    """
    Evidence of the work: a name or a URL, at least.
    """

    name: NotRequired[str | None]
    url: NotRequired[str | None]
    """
    An absolute address of http or https.
    """
    description: NotRequired[str | None]


Facts: TypeAlias = dict[str, str | float | None]
"""
Values of the template's `custom_fields`, by their keys.
"""


MetadataInput: TypeAlias = dict[str, str | None]
"""
Your own notes, for your keys alone: on no page, document or mail, and no part of the identity. At most 2048 bytes as JSON.
"""


Metadata: TypeAlias = dict[str, str]
"""
Your own notes, for your keys alone: on no page, document or mail, and no part of the identity. At most 2048 bytes as JSON.
"""


class SignedRecipient(TypedDict):
    """
    A recipient as it would be signed: read, cleaned, filled in from the profile.
    """

    email: str
    recipient_name: NotRequired[str]
    result_value: NotRequired[str]
    credits_earned: NotRequired[float]
    evidence: NotRequired[list[Evidence]]
    role: NotRequired[str]
    license_number: NotRequired[str]
    term: NotRequired[str]
    activity_start_date: NotRequired[str]
    activity_end_date: NotRequired[str]
    awarded_on: NotRequired[str]
    valid_until: NotRequired[str]
    custom: NotRequired[Facts]
    metadata: NotRequired[Metadata]
    external_id: NotRequired[str]
    language: NotRequired[Literal['es', 'en', 'pt']]


class Credential(TypedDict):
    credential_id: str
    credential_url: str
    status: Literal['issued', 'suspended', 'revoked']
    status_at: str | None
    status_reason: str | None
    blocked_at: str | None
    blocked_reason: str | None
    version: int
    """
    The signed version.
    """
    corrected_at: str | None
    mode: Literal['live', 'test']
    template_id: str
    template_version: int
    issued_at: str
    issued_on: str | None
    """
    The day of issue that is printed.
    """
    expires_on: str | None
    """
    The last day of validity that is printed.
    """
    recipient_type: Literal['internal', 'external']
    email_status: Literal['pending', 'sent', 'failed', 'skipped', 'delivered', 'bounced', 'complained', 'rejected']
    """
    `sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.
    """
    email_delivery_at: str | None
    email_sent_at: str | None
    email_error: Literal['hard_bounce', 'soft_bounce', 'content_refused', 'complaint', 'virus_found', 'account_suppressed', 'suppressed', 'erased_address', 'rejected', 'gave_up'] | None
    email_detail: str | None
    """
    What happened and what to do, for people.
    """
    email: str
    external_id: str | None
    recipient_name: str | None
    result_value: str | None
    credits_earned: float | None
    evidence: list[Evidence]
    role: str | None
    license_number: str | None
    term: str | None
    activity_start_date: str | None
    activity_end_date: str | None
    awarded_on: str | None
    valid_until: str | None
    custom: Facts
    metadata: Metadata
    language: Literal['es', 'en', 'pt']


class ErasedCredential(TypedDict):
    credential_id: str
    template_id: str
    status: Literal['erased']
    issued_at: str
    erased_at: str
    erasure_job_id: str | None
    erased_for: Literal['request', 'retention']
    """
    At a person's request, or when its time was over.
    """
    still_valid: bool
    """
    Whether the file that its holder has verifies.
    """


class HistoryEntry(TypedDict):
    action: Literal['revoke', 'suspend', 'reinstate', 'correct', 'renew']
    renewed_until: str | None
    at: str
    key_id: str
    key_name: str
    job_id: str | None
    reason: str | None
    fields: list[str]
    replaced_version: int | None


class FieldChange(TypedDict):
    field: str
    before: Any
    after: Any


class Correction(TypedDict):
    """
    The fields that change; null removes one.
    """

    email: NotRequired[str]
    recipient_name: NotRequired[str | None]
    result_value: NotRequired[str | None]
    credits_earned: NotRequired[float | None]
    evidence: NotRequired[list[Evidence] | None]
    role: NotRequired[str | None]
    license_number: NotRequired[str | None]
    term: NotRequired[str | None]
    activity_start_date: NotRequired[str | None]
    activity_end_date: NotRequired[str | None]
    awarded_on: NotRequired[str | None]
    valid_until: NotRequired[str | None]
    custom: NotRequired[Facts | None]
    reason: NotRequired[str | None]


class Reason(TypedDict):
    reason: str
    """
    For the organization; public pages do not show it.
    """


class OptionalReason(TypedDict):
    reason: NotRequired[str | None]
    """
    For the organization; public pages do not show it.
    """


class Renewal(TypedDict):
    until: NotRequired[str | None]
    """
    The new last day; without it the months of the template count.
    """
    reason: NotRequired[str | None]


class RevokeManyRevokeMany(TypedDict):
    reason: str
    ids: list[str]


class RevokeManyRevokeMany1(TypedDict):
    reason: str
    job_id: str
    """
    The credentials that this job issued.
    """


RevokeMany: TypeAlias = RevokeManyRevokeMany | RevokeManyRevokeMany1


class TestMail(TypedDict):
    credential_id: str
    to: list[str]
    subject: str
    text: str
    html: str
    sent_at: str


class Resent(TypedDict):
    credential_id: str
    email_status: Literal['pending', 'sent', 'failed', 'skipped', 'delivered', 'bounced', 'complained', 'rejected']
    """
    `sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.
    """


class Accepted(TypedDict):
    mode: Literal['async']
    job_id: str
    message: str
    total: int
    status_url: str


class JobReading(TypedDict):
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']
    texts: list[str]


class MembersJobReading(TypedDict):
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']
    texts: list[str]


class JobSummaryReading(TypedDict):
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']
    texts: list[str]


class MembersJobSummaryReading(TypedDict):
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']
    texts: list[str]


class PrivacyJobProgress(TypedDict):
    current: int
    total: int
    status: str
    phase: str
    jobs_walked: int
    waiting: Literal['open_jobs'] | None


class PrivacyJobResult(TypedDict):
    credentials: NotRequired[int]
    members: NotRequired[int]
    rows: NotRequired[int]
    jobs_walked: NotRequired[int]
    files: NotRequired[int]
    """
    Of an export, files in the archive.
    """
    files_deleted: NotRequired[int]
    dead_letters: NotRequired[int]
    keep_valid: NotRequired[bool]
    replayed: NotRequired[int]


class PrivacyJob(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    created_at: str
    updated_at: str
    expires_at: str
    cancelled_at: str | None
    progress: PrivacyJobProgress
    kind: Literal['erase', 'replay', 'retain', 'export']
    reason: str | None
    result: NotRequired[PrivacyJobResult]


class JobProgress(TypedDict):
    current: int
    """
    Rows whose issuing has ended.
    """
    total: int
    status: str
    phase: Literal['reading', 'issuing', 'mailing', 'importing']
    emails_done: int
    eta_seconds: int | None
    waiting: str | None
    """
    Why mail waits: `throttled`, `quota`, `sending_paused` and others.
    """
    rows_read: NotRequired[int]
    """
    Of a file, rows read so far.
    """


class JobResultSummary(TypedDict):
    total: int
    successful: int
    failed: int
    emails_sent: int
    emails_failed: int
    emails_skipped: int
    internal_count: int
    external_count: int
    duplicates: int
    results_url: str
    results_file: NotRequired[str | None]
    """
    Of a file; null until it is written.
    """
    corrected: NotRequired[int]
    imported: NotRequired[int]
    """
    Of members: people.
    """
    cleared: NotRequired[dict[str, int]]
    """
    In a dry run, values that the file clears, by field.
    """


class JobFile(TypedDict):
    name: str
    size: int
    """
    Bytes.
    """
    sheet: NotRequired[str]
    """
    Of a spreadsheet, the sheet that was read.
    """
    sheets: NotRequired[list[str]]
    hidden_rows: NotRequired[int]
    hidden_columns: NotRequired[list[str]]
    """
    Hidden columns that are read.
    """
    unread_sheets: NotRequired[list[str]]
    """
    Other visible sheets with addresses.
    """
    encoding: NotRequired[Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']]
    encoding_guessed: NotRequired[bool]
    """
    Whether it was found by the letters.
    """
    header_line: NotRequired[int]


class RowError(TypedDict):
    row: int
    line: NotRequired[int]
    email: str
    error: str
    code: str


class ReadColumn(TypedDict):
    column: int
    name: str
    read_as: str | None
    decided_by: Literal['given', 'remembered', 'name', 'open']
    suggestion: str | None
    values: list[str]


class Retried(TypedDict):
    job_id: str
    retried_rows: int
    retried_emails: int
    status_url: str


class FileLink(TypedDict):
    url: str
    """
    Works for 15 minutes.
    """
    expires_at: str
    file_name: str


class PrintOrderProgress(TypedDict):
    current: int
    total: int


class PrintOrderFailure(TypedDict):
    code: Literal['person_erased', 'not_made']
    error: str


class PrintOrderFile(TypedDict):
    url: str
    expires_at: str
    file_name: str
    certificates: int
    bytes: int


class PrintOrder(TypedDict):
    job_id: str
    lang: Literal['es', 'en', 'pt']
    status: Literal['PENDING', 'STARTED', 'SUCCESS', 'FAILURE']
    ordered_at: str
    progress: PrintOrderProgress
    certificates: int
    left_out: int
    made_at: str | None
    deleted_at: str | None
    """
    When the archive is deleted.
    """
    failure: PrintOrderFailure | None
    files: list[PrintOrderFile]


class AnnouncedUpload(TypedDict):
    method: Literal['PUT']
    url: str
    headers: dict[str, str]
    """
    To be sent with the file.
    """


class Announced(TypedDict):
    upload_id: str
    upload: AnnouncedUpload
    expires_at: str
    """
    Until then the URL takes the file.
    """
    status_url: str


class RecipientsUploadIgnored(TypedDict):
    """
    Other content that came to the address later.
    """

    at: str
    detail: str


class MembersUploadIgnored(TypedDict):
    """
    Other content that came to the address later.
    """

    at: str
    detail: str


ColumnMap: TypeAlias = dict[str, str]
"""
What columns are read as, by their names: a field, a fact, a part of a name, `ignore`.
"""


class RememberColumns(TypedDict):
    column_map: ColumnMap
    day_first: NotRequired[bool | None]
    template_id: NotRequired[Any]
    """
    Of an answer; not read.
    """
    updated_at: NotRequired[Any]
    """
    Of an answer; not read.
    """


class RememberedColumns(TypedDict):
    template_id: str
    column_map: ColumnMap
    day_first: bool
    updated_at: str | None


AchievementInputTag: TypeAlias = str


ImageInput: TypeAlias = str | None
"""
A PNG file as `data:image/png;base64,…` (designs: `data:image/svg+xml;base64,…` too), 256 KiB at most, or the address that an answer had. Null for none.
"""


TemplateFieldInputAllowedValue: TypeAlias = str


class TemplateFieldInput(TypedDict):
    name: Literal['email', 'recipient_name', 'result_value', 'credits_earned', 'evidence', 'role', 'license_number', 'term', 'activity_start_date', 'activity_end_date', 'awarded_on', 'valid_until']
    required: NotRequired[bool | None]
    allowed_values: NotRequired[list[TemplateFieldInputAllowedValue] | None]
    min: NotRequired[float | None]
    """
    Of `credits_earned`.
    """
    max: NotRequired[float | None]
    """
    Of `credits_earned`.
    """
    type: NotRequired[Any]
    """
    Of an answer; not read.
    """
    format: NotRequired[Any]
    """
    Of an answer; not read.
    """
    max_length: NotRequired[Any]
    """
    Of an answer; not read.
    """
    max_items: NotRequired[Any]
    """
    Of an answer; not read.
    """


CustomFieldInputValue: TypeAlias = str


class Alignment(TypedDict):
    name: str
    url: str
    code: NotRequired[str | None]
    framework: NotRequired[str | None]
    type: NotRequired[str | None]
    """
    One of `ceasn:Competency`, `ceterms:Credential`, `CFItem`, `CFRubric`, `CFRubricCriterion`, `CFRubricCriterionLevel`, `CTDL`; or another word.
    """
    description: NotRequired[str | None]


AchievementTag: TypeAlias = str


class Achievement(TypedDict):
    type: NotRequired[str | None]
    """
    `Course`, `Certificate`, `Degree` and others of Open Badges.
    """
    criteria: NotRequired[str | None]
    criteria_url: NotRequired[str | None]
    credits_available: NotRequired[float | None]
    field_of_study: NotRequired[str | None]
    specialization: NotRequired[str | None]
    human_code: NotRequired[str | None]
    tags: NotRequired[list[AchievementTag] | None]
    alignments: NotRequired[list[Alignment] | None]
    image: NotRequired[str]
    """
    The address of its badge.
    """


class TemplateField(TypedDict):
    name: Literal['email', 'recipient_name', 'result_value', 'credits_earned', 'evidence', 'role', 'license_number', 'term', 'activity_start_date', 'activity_end_date', 'awarded_on', 'valid_until']
    type: Literal['string', 'number', 'date', 'array']
    required: bool
    format: NotRequired[str]
    max_length: NotRequired[int]
    max_items: NotRequired[int]
    allowed_values: NotRequired[list[str]]
    min: NotRequired[float]
    max: NotRequired[float]


class Label(TypedDict):
    """
    A name for people, in each language.
    """

    es: NotRequired[str | None]
    en: NotRequired[str | None]
    pt: NotRequired[str | None]


class ReadinessPart(TypedDict):
    code: str
    pointer: str
    present: bool
    advice: str | None


class Readiness(TypedDict):
    ready: bool
    present: int
    total: int
    parts: list[ReadinessPart]
    template_id: str
    version: int
    write_units: int | None
    """
    What each credential takes of DynamoDB.
    """


DesignInputLegalItem: TypeAlias = str


class DesignInputSignatory(TypedDict):
    name: str
    office: NotRequired[str | None]
    signature: NotRequired[ImageInput]


DesignLegalItem: TypeAlias = str


class DesignSignatory(TypedDict):
    name: str
    office: str | None
    signature: str | None


TemplateDesignLegalItem: TypeAlias = str


class TemplateDesignSignatory(TypedDict):
    name: str
    office: str | None
    signature: str | None


class FactFactLabel(TypedDict):
    es: NotRequired[str | None]
    en: NotRequired[str | None]
    pt: NotRequired[str | None]


class FactFact(TypedDict):
    fact: str
    label: NotRequired[FactFactLabel | None]


Fact: TypeAlias = str | FactFact


class Retention(TypedDict):
    jobs_days: int
    """
    Days.
    """
    files_days: int
    """
    Days.
    """
    ended_credentials_days: int | None
    """
    Days.
    """


class RetentionInput(TypedDict):
    jobs_days: NotRequired[int | None]
    """
    Days.
    """
    files_days: NotRequired[int | None]
    """
    Days.
    """
    ended_credentials_days: NotRequired[int | None]
    """
    Days.
    """


class ApiKey(TypedDict):
    id: str
    name: str
    mode: Literal['live', 'test']
    scopes: list[Literal['issue', 'read', 'catalog', 'manage', 'admin']]
    prefix: str
    last_four: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class NewApiKey(TypedDict):
    id: str
    name: str
    mode: Literal['live', 'test']
    scopes: list[Literal['issue', 'read', 'catalog', 'manage', 'admin']]
    prefix: str
    last_four: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    key: str
    """
    The secret. It is shown in this answer alone.
    """


class OwnKeyOrganization(TypedDict):
    id: str
    name: str


class OwnKey(TypedDict):
    id: str
    prefix: str
    """
    The key up to its id.
    """
    name: str
    mode: Literal['live', 'test']
    scopes: list[Literal['issue', 'read', 'catalog', 'manage', 'admin']]
    created_at: str
    expires_at: str | None
    organization: OwnKeyOrganization


class ApiKeyRequest(TypedDict):
    name: str
    scopes: list[Literal['issue', 'read', 'catalog', 'manage', 'admin']]
    """
    No scope that the caller lacks.
    """
    mode: NotRequired[Literal['live', 'test'] | None]
    """
    The caller's by default.
    """
    expires_at: NotRequired[str | None]


class SigningKey(TypedDict):
    id: str
    """
    As documents name it: a DID URL.
    """
    multikey: str
    mode: Literal['live', 'test']
    created_at: str
    retired_at: str | None
    compromised_at: str | None
    reason: str | None


class StatusListBegun(TypedDict):
    list_id: str
    url: str


class Member(TypedDict):
    email: str
    name: str | None
    role: str | None
    license_number: str | None
    term: str | None
    language: Literal['es', 'en', 'pt'] | None
    created_at: str
    updated_at: str


class MemberProfile(TypedDict):
    """
    Replaces all.
    """

    email: NotRequired[str | None]
    """
    As in the path.
    """
    name: NotRequired[str | None]
    role: NotRequired[str | None]
    license_number: NotRequired[str | None]
    term: NotRequired[str | None]
    language: NotRequired[Literal['es', 'en', 'pt'] | None]
    created_at: NotRequired[Any]
    """
    Of an answer; not read.
    """
    updated_at: NotRequired[Any]
    """
    Of an answer; not read.
    """


class MemberCredentials(TypedDict):
    items: list[Credential | ErasedCredential]
    next_cursor: str | None
    wallet_url: str
    """
    Personal: give it to the member only.
    """
    wallet_url_expires_at: str


class ImportedMembersError(TypedDict):
    row: int
    line: int
    email: str
    error: str
    code: str | None


class ImportedMembersRepeat(TypedDict):
    row: int
    line: int
    email: str
    repeated_by: int
    repeated_by_line: int | None


class Suppression(TypedDict):
    email: str
    reason: Literal['bounced', 'complained']
    since: str
    credential_id: str


class ErasePerson(TypedDict):
    email: str
    reason: str
    """
    It stays on the job: name nobody in it.
    """
    keep_valid: NotRequired[bool | None]
    """
    Whether files that holders have stay valid.
    """


class EraseCredential(TypedDict):
    reason: str
    """
    It stays on the job: name nobody in it.
    """
    keep_valid: NotRequired[bool | None]
    """
    Whether files that holders have stay valid.
    """


class Empty(TypedDict):
    pass


class VerifyRequestVerifyRequest(TypedDict):
    url: str
    """
    The address of a credential of this service.
    """


class VerifyRequestVerifyRequest1(TypedDict):
    document: dict[str, Any]
    url: NotRequired[Any]


VerifyRequestVerifyRequest2 = TypedDict(
    'VerifyRequestVerifyRequest2',
    {
        '@context': Any
    },
)


class VerifyRequestVerifyRequest3(TypedDict):
    """
    The answer of an exchange.
    """

    verifiablePresentation: Any


VerifyRequest: TypeAlias = VerifyRequestVerifyRequest | VerifyRequestVerifyRequest1 | VerifyRequestVerifyRequest2 | VerifyRequestVerifyRequest3


class VerificationCheck(TypedDict):
    check: Literal['document', 'issuer', 'proof', 'status', 'period']
    result: Literal['passed', 'failed', 'skipped']
    text: str


class Verification(TypedDict):
    verified: bool
    status: Literal['issued', 'expired', 'suspended', 'revoked', 'replaced', 'invalid']
    mode: Literal['live', 'test'] | None
    credential_id: str | None
    credential_url: str | None
    checks: list[VerificationCheck]
    revoked_at: NotRequired[str | None]
    erased_at: NotRequired[str]
    note: NotRequired[str]


SignedDocument = TypedDict(
    'SignedDocument',
    {
        '@context': Any,
        'id': Any,
        'type': Any,
    },
)


PresentationVerifiablePresentation = TypedDict(
    'PresentationVerifiablePresentation',
    {
        '@context': list[str],
        'type': list[Literal['VerifiablePresentation']],
        'verifiableCredential': list[SignedDocument],
    },
)


class Presentation(TypedDict):
    verifiablePresentation: PresentationVerifiablePresentation


class ProtocolsProtocols(TypedDict):
    vcapi: str
    website: str


class Protocols(TypedDict):
    protocols: ProtocolsProtocols


DidDocument = TypedDict(
    'DidDocument',
    {
        '@context': str | list[str],
        'id': str,
    },
)


AchievementDocument = TypedDict(
    'AchievementDocument',
    {
        '@context': Any,
        'id': Any,
        'type': Any,
    },
)


StatusList = TypedDict(
    'StatusList',
    {
        '@context': Any,
        'id': Any,
        'type': Any,
    },
)


WarningKind: TypeAlias = Literal['placeholder_name', 'name_is_address', 'address_typo', 'future_date', 'guessed_encoding', 'name_without_letters', 'name_with_note', 'date_as_text', 'hidden_unknown', 'hidden_columns', 'unread_sheets', 'other_spelling', 'same_name']


class WarningExampleAt(TypedDict):
    """
    Where the other one is.
    """

    row: int


class WarningExampleAt1(TypedDict):
    """
    Where the other one is.
    """

    credential: str


class WarningExample(TypedDict):
    row: int
    line: NotRequired[int]
    value: str
    meant: NotRequired[str]
    """
    What may be meant, or what the other one says.
    """
    at: NotRequired[WarningExampleAt | WarningExampleAt1]
    """
    Where the other one is.
    """
    at_line: NotRequired[int]


Strict: TypeAlias = bool | list[Literal['placeholder_name', 'name_is_address', 'address_typo', 'future_date', 'guessed_encoding', 'name_without_letters', 'name_with_note', 'date_as_text']] | None


class Problem(TypedDict):
    """
    An answer other than success (RFC 9457).
    """

    type: str
    title: str
    """
    What kind of problem it is, for people.
    """
    status: int
    """
    The status of the answer.
    """
    detail: str
    """
    What happened, for people; Spanish, or English if preferred.
    """
    code: str
    """
    Stable, for programs.
    """
    request_id: str
    """
    As in the header `X-Request-Id`.
    """
    errors: NotRequired[list[ProblemField]]
    """
    The first 100 faults.
    """
    errors_omitted: NotRequired[int]
    """
    How many more faults there are.
    """


class Recipient(TypedDict):
    """
    Whom a credential is for. The template decides which fields it takes but `email`, `awarded_on`, `valid_until`, `external_id`, `metadata` and `language`. Null and empty count as absent.
    """

    email: str
    """
    ASCII before the `@`, any public domain.
    """
    recipient_name: NotRequired[str | None]
    result_value: NotRequired[str | None]
    credits_earned: NotRequired[float | None]
    evidence: NotRequired[list[Evidence] | None]
    role: NotRequired[str | None]
    license_number: NotRequired[str | None]
    term: NotRequired[str | None]
    activity_start_date: NotRequired[str | None]
    activity_end_date: NotRequired[str | None]
    awarded_on: NotRequired[str | None]
    valid_until: NotRequired[str | None]
    custom: NotRequired[Facts | None]
    metadata: NotRequired[MetadataInput | None]
    external_id: NotRequired[str | None]
    """
    Yours; echoed everywhere.
    """
    language: NotRequired[Literal['es', 'en', 'pt'] | None]
    """
    The language of the mail.
    """


class IssuedCredential(TypedDict):
    email: str
    """
    As sent.
    """
    status: Literal['issued']
    credential_id: str
    credential_url: str
    recipient_type: Literal['internal', 'external']
    duplicate: bool
    """
    Whether the same content was issued before.
    """
    email_status: Literal['pending', 'sent', 'failed', 'skipped', 'delivered', 'bounced', 'complained', 'rejected']
    """
    `sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.
    """
    private_differs: NotRequired[list[str]]
    """
    Private facts that this duplicate says otherwise than its credential; to keys with `read`.
    """
    metadata: NotRequired[Metadata]
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    external_id: NotRequired[str]


class RefusedRecipient(TypedDict):
    email: str
    """
    As sent.
    """
    status: Literal['error']
    errors: list[str]
    """
    The first 20 faults, for people.
    """
    error_codes: list[str]
    """
    The code of each.
    """
    errors_omitted: NotRequired[int]
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    external_id: NotRequired[str]


class DryRunNew(TypedDict):
    row: int
    email: str
    outcome: Literal['new']
    credential_id: str
    recipient_type: Literal['internal', 'external']
    also_holds: list[str]
    """
    Other credentials of the template that the address holds.
    """
    private_differs: NotRequired[list[str]]
    """
    Private facts that this duplicate says otherwise than its credential; to keys with `read`.
    """
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    external_id: NotRequired[str]


class DryRunDuplicate(TypedDict):
    row: int
    email: str
    outcome: Literal['duplicate']
    credential_id: str
    credential_url: NotRequired[str]
    """
    Absent where an earlier row of the request has the content.
    """
    recipient_type: Literal['internal', 'external']
    also_holds: list[str]
    """
    Other credentials of the template that the address holds.
    """
    private_differs: NotRequired[list[str]]
    """
    Private facts that this duplicate says otherwise than its credential; to keys with `read`.
    """
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    external_id: NotRequired[str]


class DryRunInvalid(TypedDict):
    row: int
    email: str
    outcome: Literal['invalid']
    errors: list[str]
    """
    The first 20 faults, for people.
    """
    error_codes: list[str]
    """
    The code of each.
    """
    errors_omitted: NotRequired[int]
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    external_id: NotRequired[str]


class CredentialWithHistory(TypedDict):
    credential_id: str
    credential_url: str
    status: Literal['issued', 'suspended', 'revoked']
    status_at: str | None
    status_reason: str | None
    blocked_at: str | None
    blocked_reason: str | None
    version: int
    """
    The signed version.
    """
    corrected_at: str | None
    mode: Literal['live', 'test']
    template_id: str
    template_version: int
    issued_at: str
    issued_on: str | None
    """
    The day of issue that is printed.
    """
    expires_on: str | None
    """
    The last day of validity that is printed.
    """
    recipient_type: Literal['internal', 'external']
    email_status: Literal['pending', 'sent', 'failed', 'skipped', 'delivered', 'bounced', 'complained', 'rejected']
    """
    `sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.
    """
    email_delivery_at: str | None
    email_sent_at: str | None
    email_error: Literal['hard_bounce', 'soft_bounce', 'content_refused', 'complaint', 'virus_found', 'account_suppressed', 'suppressed', 'erased_address', 'rejected', 'gave_up'] | None
    email_detail: str | None
    """
    What happened and what to do, for people.
    """
    email: str
    external_id: str | None
    recipient_name: str | None
    result_value: str | None
    credits_earned: float | None
    evidence: list[Evidence]
    role: str | None
    license_number: str | None
    term: str | None
    activity_start_date: str | None
    activity_end_date: str | None
    awarded_on: str | None
    valid_until: str | None
    custom: Facts
    metadata: Metadata
    language: Literal['es', 'en', 'pt']
    history: list[HistoryEntry]


class ErasedCredentialWithHistory(TypedDict):
    credential_id: str
    template_id: str
    status: Literal['erased']
    issued_at: str
    erased_at: str
    erasure_job_id: str | None
    erased_for: Literal['request', 'retention']
    """
    At a person's request, or when its time was over.
    """
    still_valid: bool
    """
    Whether the file that its holder has verifies.
    """
    history: list[HistoryEntry]


class JobResult(TypedDict):
    total: int
    successful: int
    failed: int
    errors: list[RowError]
    errors_truncated: bool
    emails_sent: int
    emails_failed: int
    emails_skipped: int
    internal_count: int
    external_count: int
    duplicates: int
    results_url: str
    results_file: NotRequired[str | None]
    """
    Of a file; null until it is written.
    """
    corrected: NotRequired[int]
    imported: NotRequired[int]
    """
    Of members: people.
    """
    cleared: NotRequired[dict[str, int]]
    """
    In a dry run, values that the file clears, by field.
    """


class ResultRow(TypedDict):
    row: int
    email: str | None
    external_id: str | None
    status: Literal['pending', 'issued', 'failed', 'new', 'duplicate', 'corrected', 'invalid', 'revoked', 'imported', 'existing', 'repeated', 'erased']
    credential_id: str | None
    credential_url: str | None
    recipient_type: Literal['internal', 'external'] | None
    duplicate: bool | None
    email_status: Literal['pending', 'sent', 'failed', 'skipped', 'delivered', 'bounced', 'complained', 'rejected'] | None
    """
    `sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.
    """
    error: str | None
    email_error: Literal['hard_bounce', 'soft_bounce', 'content_refused', 'complaint', 'virus_found', 'account_suppressed', 'suppressed', 'erased_address', 'rejected', 'gave_up'] | None
    email_detail: str | None
    credential_version: int | None
    line: NotRequired[int]
    also_holds: NotRequired[list[str]]
    changes: NotRequired[list[FieldChange]]
    """
    In a dry run, what the row corrects.
    """
    repeated_by: NotRequired[int]
    """
    Of members, the row that counts instead.
    """
    warnings: NotRequired[list[str]]
    warning_kinds: NotRequired[list[WarningKind]]
    private_differs: NotRequired[list[str]]
    blocked_at: NotRequired[str]
    metadata: NotRequired[Metadata]
    recipient: NotRequired[SignedRecipient]


class UploadRequest(TypedDict):
    template_id: str
    file_name: str
    size: int
    """
    Bytes; the URL takes exactly so many.
    """
    send_email: NotRequired[bool | None]
    correct: NotRequired[bool | None]
    """
    Whether rows that name a credential correct it; needs the scope `manage` besides.
    """
    strict: NotRequired[Strict]
    reissue: NotRequired[bool | None]
    day_first: NotRequired[bool | None]
    """
    Whether in dates of numbers the day comes first.
    """
    dry_run: NotRequired[bool | None]
    encoding: NotRequired[str | None]
    """
    Names the encoding, in letters of any case; without it, it is found. One of `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`, `windows-1250`, `macroman`, `cp850`, `cp437`, `iso-8859-2`, `cp852`, `windows-1254`, `windows-1257`, `mac-ce`.
    """
    column_map: NotRequired[ColumnMap | None]
    sheet: NotRequired[str | None]
    """
    The sheet to be read.
    """
    hidden_rows: NotRequired[Literal['skip', 'read'] | None]
    """
    What becomes of hidden rows.
    """


class MembersUploadRequest(TypedDict):
    file_name: str
    size: int
    """
    Bytes; the URL takes exactly so many.
    """
    dry_run: NotRequired[bool | None]
    encoding: NotRequired[str | None]
    """
    Names the encoding, in letters of any case; without it, it is found. One of `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`, `windows-1250`, `macroman`, `cp850`, `cp437`, `iso-8859-2`, `cp852`, `windows-1254`, `windows-1257`, `mac-ce`.
    """
    column_map: NotRequired[ColumnMap | None]
    sheet: NotRequired[str | None]
    """
    The sheet to be read.
    """
    hidden_rows: NotRequired[Literal['skip', 'read'] | None]
    """
    What becomes of hidden rows.
    """


class RecipientsUpload(TypedDict):
    upload_id: str
    status: Literal['waiting', 'received']
    job_id: str | None
    ignored: RecipientsUploadIgnored | None
    """
    Other content that came to the address later.
    """
    template_id: str
    file_name: str
    size: int
    send_email: bool
    dry_run: bool
    correct: bool
    strict: list[WarningKind]
    reissue: bool
    day_first: bool
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce'] | None
    column_map: ColumnMap
    sheet: str | None
    hidden_rows: Literal['skip', 'read'] | None
    created_at: str
    expires_at: str


class MembersUpload(TypedDict):
    upload_id: str
    status: Literal['waiting', 'received']
    job_id: str | None
    ignored: MembersUploadIgnored | None
    """
    Other content that came to the address later.
    """
    kind: Literal['members']
    file_name: str
    size: int
    dry_run: bool
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce'] | None
    column_map: ColumnMap
    sheet: str | None
    hidden_rows: Literal['skip', 'read'] | None
    created_at: str
    expires_at: str


class AchievementInput(TypedDict):
    type: NotRequired[str | None]
    """
    `Course`, `Certificate`, `Degree` and others of Open Badges.
    """
    criteria: NotRequired[str | None]
    criteria_url: NotRequired[str | None]
    credits_available: NotRequired[float | None]
    field_of_study: NotRequired[str | None]
    specialization: NotRequired[str | None]
    human_code: NotRequired[str | None]
    tags: NotRequired[list[AchievementInputTag] | None]
    alignments: NotRequired[list[Alignment] | None]
    image: NotRequired[ImageInput]


class CustomFieldInput(TypedDict):
    key: str
    label: str | Label
    type: Literal['text', 'number', 'list']
    values: NotRequired[list[CustomFieldInputValue] | None]
    """
    Of a `list`.
    """
    required: NotRequired[bool | None]
    private: NotRequired[bool | None]
    """
    Kept for the organization alone.
    """


class CustomField(TypedDict):
    key: str
    label: Label
    type: Literal['text', 'number', 'list']
    required: bool
    private: bool
    values: NotRequired[list[str]]


class DesignInput(TypedDict):
    layout: NotRequired[Literal['classic', 'academic', 'modern', 'plain'] | None]
    paper: NotRequired[Literal['a4', 'letter'] | None]
    orientation: NotRequired[Literal['landscape', 'portrait'] | None]
    accent: NotRequired[str | None]
    logo: NotRequired[bool | None]
    """
    Whether the organization's logo is shown.
    """
    facts: NotRequired[list[Fact] | None]
    """
    Which facts in which order; absent for all.
    """
    second_language: NotRequired[Literal['es', 'en', 'pt'] | None]
    place: NotRequired[str | None]
    legal: NotRequired[list[DesignInputLegalItem] | None]
    signatories: NotRequired[list[DesignInputSignatory] | None]
    background: NotRequired[ImageInput]
    frame: NotRequired[ImageInput]
    since: NotRequired[Any]
    """
    Of an answer; not read.
    """


class Design(TypedDict):
    layout: NotRequired[Literal['classic', 'academic', 'modern', 'plain'] | None]
    paper: NotRequired[Literal['a4', 'letter'] | None]
    orientation: NotRequired[Literal['landscape', 'portrait'] | None]
    accent: NotRequired[str | None]
    logo: NotRequired[bool | None]
    """
    Whether the organization's logo is shown.
    """
    facts: NotRequired[list[Fact] | None]
    """
    Which facts in which order; absent for all.
    """
    second_language: NotRequired[Literal['es', 'en', 'pt'] | None]
    place: NotRequired[str | None]
    legal: NotRequired[list[DesignLegalItem] | None]
    signatories: NotRequired[list[DesignSignatory]]
    background: NotRequired[str | None]
    frame: NotRequired[str | None]
    since: str | None
    """
    The second from which it is in force; null if none was saved.
    """


class TemplateDesign(TypedDict):
    layout: NotRequired[Literal['classic', 'academic', 'modern', 'plain'] | None]
    paper: NotRequired[Literal['a4', 'letter'] | None]
    orientation: NotRequired[Literal['landscape', 'portrait'] | None]
    accent: NotRequired[str | None]
    logo: NotRequired[bool | None]
    """
    Whether the organization's logo is shown.
    """
    facts: NotRequired[list[Fact] | None]
    """
    Which facts in which order; absent for all.
    """
    second_language: NotRequired[Literal['es', 'en', 'pt'] | None]
    place: NotRequired[str | None]
    legal: NotRequired[list[TemplateDesignLegalItem] | None]
    signatories: NotRequired[list[TemplateDesignSignatory]]
    background: NotRequired[str | None]
    frame: NotRequired[str | None]


class PreviewRequest(TypedDict):
    design: NotRequired[DesignInput | None]
    recipient: NotRequired[Recipient | None]


class Organization(TypedDict):
    id: str
    name: str
    language: Literal['es', 'en', 'pt']
    time_zone: str
    sender: str
    allowed_senders: list[str]
    """
    Addresses, and domains as `@domain`.
    """
    reply_to: str | None
    notify_members: bool
    logo: str | None
    linkedin_id: int | None
    website: str | None
    contact: str | None
    public_hides: list[Literal['evidence', 'grade', 'surname']]
    """
    What public pages leave out.
    """
    retention: Retention
    created_at: str


class OrganizationSettings(TypedDict):
    """
    Absent members keep their values.
    """

    name: NotRequired[str | None]
    language: NotRequired[Literal['es', 'en', 'pt'] | None]
    time_zone: NotRequired[str | None]
    """
    IANA.
    """
    sender: NotRequired[str | None]
    """
    One of `allowed_senders`.
    """
    reply_to: NotRequired[str | None]
    notify_members: NotRequired[bool | None]
    logo: NotRequired[ImageInput]
    linkedin_id: NotRequired[int | None]
    website: NotRequired[str | None]
    contact: NotRequired[str | None]
    public_hides: NotRequired[list[Literal['evidence', 'grade', 'surname']] | None]
    retention: NotRequired[RetentionInput | None]
    id: NotRequired[Any]
    """
    Of an answer; not read.
    """
    created_at: NotRequired[Any]
    """
    Of an answer; not read.
    """
    allowed_senders: NotRequired[Any]
    """
    Of an answer; not read.
    """


class Warning(TypedDict):
    kind: WarningKind
    count: int
    rows: list[int]
    """
    The first 100 rows of all kinds together.
    """
    lines: NotRequired[list[int]]
    """
    Of a file, the lines of these rows.
    """
    examples: list[WarningExample]
    """
    The first five values.
    """
    text: str
    """
    The warning, for people.
    """


class IssueRequest(TypedDict):
    template_id: str
    recipients: list[Recipient]
    send_email: NotRequired[bool | None]
    strict: NotRequired[Strict]
    """
    Refuses the kinds of warnings that it names; `true` for all.
    """
    reissue: NotRequired[bool | None]
    """
    Gives a recipient whose credential was erased a new one; needs the scope `manage` besides.
    """
    metadata: NotRequired[MetadataInput | None]


class IssuedAtOnce(TypedDict):
    mode: Literal['sync']
    credentials: list[IssuedCredential | RefusedRecipient]


class DryRun(TypedDict):
    mode: Literal['dry_run']
    total: int
    new: int
    duplicates: int
    invalid: int
    errors_truncated: bool
    """
    Whether the rows are shorter than they would be, to fit the answer.
    """
    recipients: list[DryRunNew | DryRunDuplicate | DryRunInvalid]


class Job(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    template_id: str
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    dry_run: NotRequired[Literal[True]]
    correct: NotRequired[Literal[True]]
    """
    Whether rows that name a credential correct it.
    """
    file: NotRequired[JobFile]
    error: NotRequired[str]
    """
    Why the file cannot be used, and what to do.
    """
    code: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    readings: NotRequired[list[JobReading]]
    """
    The first names as each encoding would read them.
    """
    warnings: NotRequired[list[Warning]]
    columns: NotRequired[list[ReadColumn]]
    """
    How each column was read.
    """
    result: NotRequired[JobResult]
    """
    Once the job has ended.
    """


class RevocationJob(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    kind: Literal['revoke']
    warnings: NotRequired[list[Warning]]
    result: NotRequired[JobResult]
    """
    Once the job has ended.
    """


class MembersJob(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    kind: Literal['members']
    dry_run: NotRequired[Literal[True]]
    file: NotRequired[JobFile]
    error: NotRequired[str]
    """
    Why the file cannot be used, and what to do.
    """
    code: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    readings: NotRequired[list[MembersJobReading]]
    """
    The first names as each encoding would read them.
    """
    warnings: NotRequired[list[Warning]]
    columns: NotRequired[list[ReadColumn]]
    """
    How each column was read.
    """
    result: NotRequired[JobResult]
    """
    Once the job has ended.
    """


class JobSummary(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    template_id: str
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    dry_run: NotRequired[Literal[True]]
    correct: NotRequired[Literal[True]]
    """
    Whether rows that name a credential correct it.
    """
    file: NotRequired[JobFile]
    error: NotRequired[str]
    """
    Why the file cannot be used, and what to do.
    """
    code: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    readings: NotRequired[list[JobSummaryReading]]
    """
    The first names as each encoding would read them.
    """
    warnings: NotRequired[list[Warning]]
    result: NotRequired[JobResultSummary]
    """
    Once the job has ended.
    """


class RevocationJobSummary(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    kind: Literal['revoke']
    warnings: NotRequired[list[Warning]]
    result: NotRequired[JobResultSummary]
    """
    Once the job has ended.
    """


class MembersJobSummary(TypedDict):
    job_id: str
    status: Literal['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE']
    created_at: str
    updated_at: str
    expires_at: str
    """
    When the job is deleted.
    """
    cancelled_at: str | None
    progress: JobProgress
    kind: Literal['members']
    dry_run: NotRequired[Literal[True]]
    file: NotRequired[JobFile]
    error: NotRequired[str]
    """
    Why the file cannot be used, and what to do.
    """
    code: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    readings: NotRequired[list[MembersJobSummaryReading]]
    """
    The first names as each encoding would read them.
    """
    warnings: NotRequired[list[Warning]]
    result: NotRequired[JobResultSummary]
    """
    Once the job has ended.
    """


Upload: TypeAlias = RecipientsUpload | MembersUpload


class TemplateDefinition(TypedDict):
    name: str
    description: str
    language: NotRequired[Literal['es', 'en', 'pt'] | None]
    achievement: NotRequired[AchievementInput | None]
    fields: NotRequired[list[TemplateFieldInput] | None]
    custom_fields: NotRequired[list[CustomFieldInput] | None]
    validity_months: NotRequired[int | None]
    design: NotRequired[DesignInput | None]
    id: NotRequired[Any]
    """
    Of an answer; not read.
    """
    version: NotRequired[Any]
    """
    Of an answer; not read.
    """
    archived: NotRequired[Any]
    """
    Of an answer; not read.
    """
    created_at: NotRequired[Any]
    """
    Of an answer; not read.
    """
    updated_at: NotRequired[Any]
    """
    Of an answer; not read.
    """
    write_units: NotRequired[Any]
    """
    Of an answer; not read.
    """


class Template(TypedDict):
    id: str
    name: str
    description: str
    language: Literal['es', 'en', 'pt'] | None
    version: int
    archived: bool
    achievement: Achievement
    fields: list[TemplateField]
    """
    All fields that a recipient can have, `email` first.
    """
    validity_months: int | None
    custom_fields: list[CustomField]
    design: TemplateDesign | None
    created_at: str
    updated_at: str
    write_units: int | None
    """
    What each credential takes of DynamoDB.
    """


class TemplateSummary(TypedDict):
    id: str
    name: str
    description: str
    language: Literal['es', 'en', 'pt'] | None
    version: int
    archived: bool
    achievement: Achievement
    fields: list[TemplateField]
    """
    All fields that a recipient can have, `email` first.
    """
    validity_months: int | None
    custom_fields: list[CustomField]
    design: TemplateDesign | None
    created_at: str
    updated_at: str


class ImportedMembers(TypedDict):
    total: int
    imported: int
    """
    People.
    """
    failed: int
    repeated: int
    new: int
    changed: int
    unchanged: int
    cleared: dict[str, int]
    """
    Values that rows clear, by field.
    """
    errors: list[ImportedMembersError]
    errors_truncated: bool
    repeats: list[ImportedMembersRepeat]
    encoding: Literal['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'macroman', 'cp850', 'cp437', 'iso-8859-2', 'cp852', 'windows-1254', 'windows-1257', 'mac-ce']
    encoding_guessed: bool
    warnings: list[Warning]
    dry_run: NotRequired[Literal[True]]


AnyJob: TypeAlias = Job | RevocationJob | MembersJob | PrivacyJob


AnyJobSummary: TypeAlias = JobSummary | RevocationJobSummary | MembersJobSummary | PrivacyJob
