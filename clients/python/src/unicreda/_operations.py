# Made by infra/clients.py from docs/openapi.json; changes are lost.

"""The operations of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

from ._retry import new_key
from .models import (
    Accepted,
    Announced,
    AnyJob,
    AnyJobSummary,
    ApiKey,
    ApiKeyRequest,
    Correction,
    Credential,
    CredentialWithHistory,
    Design,
    DesignInput,
    DryRun,
    Empty,
    EraseCredential,
    ErasePerson,
    ErasedCredential,
    ErasedCredentialWithHistory,
    FileLink,
    ImportedMembers,
    IssueRequest,
    IssuedAtOnce,
    Member,
    MemberCredentials,
    MemberProfile,
    MembersUploadRequest,
    NewApiKey,
    OptionalReason,
    Organization,
    OrganizationSettings,
    OwnKey,
    PreviewRequest,
    PrintOrder,
    Readiness,
    Reason,
    RememberColumns,
    RememberedColumns,
    Renewal,
    Resent,
    ResultRow,
    Retried,
    RevokeMany,
    SigningKey,
    StatusListBegun,
    Suppression,
    Template,
    TemplateDefinition,
    TemplateSummary,
    TestMail,
    Upload,
    UploadRequest,
    Verification,
    VerifyRequest,
)

Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """A page of a list, and the cursor of the next one, if there is one."""

    items: list[Item]
    next_cursor: str | None


class Operations:
    """A method for each operation of the API that takes a key."""

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        raise NotImplementedError

    def issue_credentials(
        self,
        body: IssueRequest,
        *,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> IssuedAtOnce | DryRun | Accepted:
        """Issues to one recipient at once, to more as a job.

        A key with any of the scopes `issue`. The body has 4194304 bytes at most.
        """
        answer: IssuedAtOnce | DryRun | Accepted = self._call("POST", "/credentials/issue", query={"dry_run": dry_run}, body=body, idempotency_key=idempotency_key or new_key())
        return answer

    def list_jobs(self, *, limit: int | None = None, cursor: str | None = None) -> Page[AnyJobSummary]:
        """Lists jobs, newest first.

        A key with any of the scopes `read`, `issue`.
        """
        answer: Page[AnyJobSummary] = self._call("GET", "/jobs", query={"limit": limit, "cursor": cursor})
        return answer

    def iter_jobs(self, *, page_size: int = 100) -> Iterator[AnyJobSummary]:
        """All that `list_jobs` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_jobs(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_job(self, job_id: str) -> AnyJob:
        """Shows a job and its progress.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: AnyJob = self._call("GET", f"/jobs/{quote(job_id, safe='')}")
        return answer

    def list_job_results(
        self,
        job_id: str,
        *,
        status: Literal["issued", "failed", "pending", "new", "duplicate", "corrected", "revoked", "invalid", "imported", "existing", "repeated", "undelivered"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ResultRow]:
        """Lists the outcomes of a job's rows.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Page[ResultRow] = self._call("GET", f"/jobs/{quote(job_id, safe='')}/results", query={"status": status, "limit": limit, "cursor": cursor})
        return answer

    def iter_job_results(
        self,
        job_id: str,
        *,
        status: Literal["issued", "failed", "pending", "new", "duplicate", "corrected", "revoked", "invalid", "imported", "existing", "repeated", "undelivered"] | None = None,
        page_size: int = 100,
    ) -> Iterator[ResultRow]:
        """All that `list_job_results` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_job_results(job_id, status=status, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_job_results_file(self, job_id: str, *, format: Literal["csv", "xlsx"] | None = None) -> FileLink:
        """Returns a link to the results as a file.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: FileLink = self._call("GET", f"/jobs/{quote(job_id, safe='')}/results/file", query={"format": format})
        return answer

    def order_job_certificates(
        self,
        job_id: str,
        *,
        lang: Literal["es", "en", "pt"] | None = None,
    ) -> PrintOrder:
        """Orders the certificates of a job as an archive.

        A key with any of the scopes `read`.
        """
        answer: PrintOrder = self._call("POST", f"/jobs/{quote(job_id, safe='')}/certificates", query={"lang": lang})
        return answer

    def get_job_certificates(
        self,
        job_id: str,
        *,
        lang: Literal["es", "en", "pt"] | None = None,
    ) -> PrintOrder:
        """Shows the archive of a job's certificates.

        A key with any of the scopes `read`.
        """
        answer: PrintOrder = self._call("GET", f"/jobs/{quote(job_id, safe='')}/certificates", query={"lang": lang})
        return answer

    def retry_job(self, job_id: str) -> Retried:
        """Runs the failed rows and mails of a job again.

        A key with any of the scopes `manage`.
        """
        answer: Retried = self._call("POST", f"/jobs/{quote(job_id, safe='')}/retry")
        return answer

    def cancel_job(self, job_id: str) -> AnyJob:
        """Cancels a job.

        A key with any of the scopes `manage`.
        """
        answer: AnyJob = self._call("POST", f"/jobs/{quote(job_id, safe='')}/cancel")
        return answer

    def resend_mail(self, credential_id: str) -> Resent:
        """Sends the mail of a credential again.

        A key with any of the scopes `manage`.
        """
        answer: Resent = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/resend")
        return answer

    def create_upload(self, body: UploadRequest) -> Announced:
        """Announces a file of recipients, and returns the URL that takes it.

        A key with any of the scopes `issue`. The body has 4194304 bytes at most.
        """
        answer: Announced = self._call("POST", "/uploads", body=body)
        return answer

    def create_members_upload(self, body: MembersUploadRequest) -> Announced:
        """Announces a file of members, and returns the URL that takes it.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Announced = self._call("POST", "/members/uploads", body=body)
        return answer

    def get_upload(self, upload_id: str) -> Upload:
        """Shows whether a file arrived, and its job.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Upload = self._call("GET", f"/uploads/{quote(upload_id, safe='')}")
        return answer

    def revoke_credentials(self, body: RevokeMany, *, idempotency_key: str | None = None) -> Accepted:
        """Revokes a list of credentials as a job.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Accepted = self._call("POST", "/credentials/revoke", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    def correct_credential(self, credential_id: str, body: Correction) -> Credential:
        """Corrects a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("PATCH", f"/credentials/{quote(credential_id, safe='')}", body=body)
        return answer

    def get_credential(self, credential_id: str) -> CredentialWithHistory | ErasedCredentialWithHistory:
        """Shows a credential and its history.

        A key with any of the scopes `read`.
        """
        answer: CredentialWithHistory | ErasedCredentialWithHistory = self._call("GET", f"/credentials/{quote(credential_id, safe='')}")
        return answer

    def renew_credential(self, credential_id: str, body: Renewal | None = None) -> Credential:
        """Gives a credential a later end.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/renew", body=body)
        return answer

    def revoke_credential(self, credential_id: str, body: Reason) -> Credential:
        """Revokes a credential for good.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/revoke", body=body)
        return answer

    def suspend_credential(self, credential_id: str, body: OptionalReason | None = None) -> Credential:
        """Suspends a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/suspend", body=body)
        return answer

    def reinstate_credential(self, credential_id: str, body: OptionalReason | None = None) -> Credential:
        """Reinstates a suspended credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/reinstate", body=body)
        return answer

    def erase_credential(
        self,
        credential_id: str,
        body: EraseCredential,
        *,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Erases a credential as a job.

        A key with any of the scopes `manage`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Accepted = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/erase", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    def erase_person(self, body: ErasePerson, *, idempotency_key: str | None = None) -> Accepted:
        """Erases a person as a job.

        A key with any of the scopes `manage`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Accepted = self._call("POST", "/people/erase", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    def block_credential(self, credential_id: str, body: Reason) -> Credential:
        """Hides a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/block", body=body)
        return answer

    def unblock_credential(self, credential_id: str, body: Empty | None = None) -> Credential:
        """Shows a hidden credential again.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = self._call("POST", f"/credentials/{quote(credential_id, safe='')}/unblock", body=body)
        return answer

    def export_person(self, email: str, *, idempotency_key: str | None = None) -> Accepted:
        """Puts what is held about a person into an archive, as a job.

        A key with any of the scopes `manage`. Live keys only.
        """
        answer: Accepted = self._call("GET", f"/people/{quote(email, safe='')}/export", idempotency_key=idempotency_key or new_key())
        return answer

    def list_signing_keys(self) -> Page[SigningKey]:
        """Lists the signing keys.

        A key with any of the scopes `admin`.
        """
        answer: Page[SigningKey] = self._call("GET", "/signing-keys")
        return answer

    def rotate_signing_key(self) -> SigningKey | None:
        """Replaces the key that signs.

        A key with any of the scopes `admin`.
        """
        answer: SigningKey | None = self._call("POST", "/signing-keys")
        return answer

    def compromise_signing_key(self, multikey: str, body: Reason) -> SigningKey:
        """Declares a retired key compromised.

        A key with any of the scopes `admin`. The body has 4194304 bytes at most.
        """
        answer: SigningKey = self._call("POST", f"/signing-keys/{quote(multikey, safe='')}/compromise", body=body)
        return answer

    def begin_status_list(self) -> StatusListBegun:
        """Begins a status list.

        A key with any of the scopes `admin`.
        """
        answer: StatusListBegun = self._call("POST", "/status-lists")
        return answer

    def list_templates(
        self,
        *,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[TemplateSummary]:
        """Lists templates.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Page[TemplateSummary] = self._call("GET", "/templates", query={"q": q, "limit": limit, "cursor": cursor})
        return answer

    def iter_templates(self, *, q: str | None = None, page_size: int = 100) -> Iterator[TemplateSummary]:
        """All that `list_templates` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_templates(q=q, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def create_template(self, body: TemplateDefinition) -> Template:
        """Creates a template.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Template = self._call("POST", "/templates", body=body)
        return answer

    def get_template(self, template_id: str) -> Template:
        """Shows a template.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Template = self._call("GET", f"/templates/{quote(template_id, safe='')}")
        return answer

    def put_template(self, template_id: str, body: TemplateDefinition) -> Template:
        """Replaces the definition of a template by a new version.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Template = self._call("PUT", f"/templates/{quote(template_id, safe='')}", body=body)
        return answer

    def archive_template(self, template_id: str) -> Template:
        """Archives a template.

        A key with any of the scopes `catalog`. Live keys only.
        """
        answer: Template = self._call("POST", f"/templates/{quote(template_id, safe='')}/archive")
        return answer

    def get_template_readiness(self, template_id: str) -> Readiness:
        """Tells what it lacks for a rich badge.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Readiness = self._call("GET", f"/templates/{quote(template_id, safe='')}/readiness")
        return answer

    def get_template_file(self, template_id: str, *, format: Literal["csv", "xlsx"] | None = None) -> bytes:
        """Returns an example of the files that it takes.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: bytes = self._call("GET", f"/templates/{quote(template_id, safe='')}/csv", query={"format": format})
        return answer

    def preview_template(
        self,
        template_id: str,
        body: PreviewRequest,
        *,
        sample: Literal["longest", "shortest"] | None = None,
        lang: Literal["es", "en", "pt"] | None = None,
        accept: Literal["application/pdf", "image/png"] = "application/pdf",
    ) -> bytes:
        """Draws a sample of its certificates.

        A key with any of the scopes `catalog`, `issue`. The body has 4194304 bytes at most.
        """
        answer: bytes = self._call("POST", f"/templates/{quote(template_id, safe='')}/preview", query={"sample": sample, "lang": lang}, body=body, accept=accept)
        return answer

    def get_column_map(self, template_id: str) -> RememberedColumns:
        """Shows how columns of its files are read.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: RememberedColumns = self._call("GET", f"/templates/{quote(template_id, safe='')}/column-map")
        return answer

    def put_column_map(self, template_id: str, body: RememberColumns) -> RememberedColumns:
        """Remembers how columns of its files are read.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: RememberedColumns = self._call("PUT", f"/templates/{quote(template_id, safe='')}/column-map", body=body)
        return answer

    def delete_column_map(self, template_id: str) -> None:
        """Forgets how columns of its files are read.

        A key with any of the scopes `catalog`. Live keys only.
        """
        self._call("DELETE", f"/templates/{quote(template_id, safe='')}/column-map")

    def list_credentials(
        self,
        *,
        q: str | None = None,
        template_id: str | None = None,
        job_id: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        status: Literal["issued", "suspended", "revoked", "erased"] | None = None,
        issued_after: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Credential | ErasedCredential]:
        """Lists credentials, newest first.

        A key with any of the scopes `read`.
        """
        answer: Page[Credential | ErasedCredential] = self._call("GET", "/credentials", query={"q": q, "template_id": template_id, "job_id": job_id, "email": email, "external_id": external_id, "status": status, "issued_after": issued_after, "limit": limit, "cursor": cursor})
        return answer

    def iter_credentials(
        self,
        *,
        q: str | None = None,
        template_id: str | None = None,
        job_id: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        status: Literal["issued", "suspended", "revoked", "erased"] | None = None,
        issued_after: str | None = None,
        page_size: int = 100,
    ) -> Iterator[Credential | ErasedCredential]:
        """All that `list_credentials` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_credentials(q=q, template_id=template_id, job_id=job_id, email=email, external_id=external_id, status=status, issued_after=issued_after, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_test_mail(self, credential_id: str) -> TestMail:
        """Shows the mail of a test credential.

        A key with any of the scopes `read`.
        """
        answer: TestMail = self._call("GET", f"/credentials/{quote(credential_id, safe='')}/mail")
        return answer

    def list_members(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Member]:
        """Lists members.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: Page[Member] = self._call("GET", "/members", query={"limit": limit, "cursor": cursor})
        return answer

    def iter_members(self, *, page_size: int = 100) -> Iterator[Member]:
        """All that `list_members` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_members(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def import_members(
        self,
        body: bytes,
        *,
        content_type: Literal["text/csv", "text/plain", "application/json", "application/x-ndjson"] = "text/csv",
        dry_run: bool | None = None,
        encoding: str | None = None,
    ) -> ImportedMembers:
        """Imports the members of a file.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: ImportedMembers = self._call("POST", "/members/import", query={"dry_run": dry_run, "encoding": encoding}, body=body, content_type=content_type)
        return answer

    def get_member(self, email: str) -> Member:
        """Shows a member.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: Member = self._call("GET", f"/members/{quote(email, safe='')}")
        return answer

    def put_member(self, email: str, body: MemberProfile) -> Member:
        """Creates or replaces a member.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Member = self._call("PUT", f"/members/{quote(email, safe='')}", body=body)
        return answer

    def delete_member(self, email: str) -> None:
        """Deletes a member.

        A key with any of the scopes `catalog`. Live keys only.
        """
        self._call("DELETE", f"/members/{quote(email, safe='')}")

    def list_member_credentials(
        self,
        email: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> MemberCredentials:
        """Lists the credentials of a member.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: MemberCredentials = self._call("GET", f"/members/{quote(email, safe='')}/credentials", query={"limit": limit, "cursor": cursor})
        return answer

    def list_suppressions(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Suppression]:
        """Lists the addresses that get no mail.

        A key with any of the scopes `read`.
        """
        answer: Page[Suppression] = self._call("GET", "/suppressions", query={"limit": limit, "cursor": cursor})
        return answer

    def iter_suppressions(self, *, page_size: int = 100) -> Iterator[Suppression]:
        """All that `list_suppressions` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_suppressions(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def remove_suppression(self, email: str) -> None:
        """Lets an address get mail again.

        A key with any of the scopes `manage`.
        """
        self._call("DELETE", f"/suppressions/{quote(email, safe='')}")

    def list_api_keys(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """Lists API keys.

        A key with any of the scopes `admin`.
        """
        answer: Page[ApiKey] = self._call("GET", "/api-keys", query={"limit": limit, "cursor": cursor})
        return answer

    def iter_api_keys(self, *, page_size: int = 100) -> Iterator[ApiKey]:
        """All that `list_api_keys` lists, page after page."""
        cursor: str | None = None
        while True:
            page = self.list_api_keys(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def create_api_key(self, body: ApiKeyRequest) -> NewApiKey:
        """Creates an API key.

        A key with any of the scopes `admin`. The body has 4194304 bytes at most.
        """
        answer: NewApiKey = self._call("POST", "/api-keys", body=body)
        return answer

    def revoke_api_key(self, key_id: str) -> None:
        """Revokes an API key.

        A key with any of the scopes `admin`.
        """
        self._call("DELETE", f"/api-keys/{quote(key_id, safe='')}")

    def get_key(self) -> OwnKey:
        """Says whose key this is, and what it permits.

        A key with any of the scopes `issue`, `read`, `catalog`, `manage`, `admin`.
        """
        answer: OwnKey = self._call("GET", "/key")
        return answer

    def get_organization(self) -> Organization:
        """Shows the organization.

        A key with any of the scopes `read`, `admin`.
        """
        answer: Organization = self._call("GET", "/organization")
        return answer

    def put_organization(self, body: OrganizationSettings) -> Organization:
        """Replaces settings.

        A key with any of the scopes `admin`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Organization = self._call("PUT", "/organization", body=body)
        return answer

    def get_design(self) -> Design:
        """Shows the design of certificates.

        A key with any of the scopes `read`, `catalog`, `admin`.
        """
        answer: Design = self._call("GET", "/organization/design")
        return answer

    def put_design(self, body: DesignInput) -> Design:
        """Replaces the design of certificates.

        A key with any of the scopes `admin`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Design = self._call("PUT", "/organization/design", body=body)
        return answer

    def verify(
        self,
        body: VerifyRequest | bytes,
        *,
        content_type: Literal["application/json", "application/pdf", "image/png", "image/svg+xml"] = "application/json",
    ) -> Verification:
        """Verifies a document, or a credential of this service.

        A key with any of the scopes `issue`, `read`, `catalog`, `manage`, `admin`. The body has 4194304 bytes
        at most.
        """
        answer: Verification = self._call("POST", "/verify", body=body, content_type=content_type)
        return answer


class AsyncOperations:
    """A method for each operation of the API that takes a key."""

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        raise NotImplementedError

    async def issue_credentials(
        self,
        body: IssueRequest,
        *,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> IssuedAtOnce | DryRun | Accepted:
        """Issues to one recipient at once, to more as a job.

        A key with any of the scopes `issue`. The body has 4194304 bytes at most.
        """
        answer: IssuedAtOnce | DryRun | Accepted = await self._call("POST", "/credentials/issue", query={"dry_run": dry_run}, body=body, idempotency_key=idempotency_key or new_key())
        return answer

    async def list_jobs(self, *, limit: int | None = None, cursor: str | None = None) -> Page[AnyJobSummary]:
        """Lists jobs, newest first.

        A key with any of the scopes `read`, `issue`.
        """
        answer: Page[AnyJobSummary] = await self._call("GET", "/jobs", query={"limit": limit, "cursor": cursor})
        return answer

    async def iter_jobs(self, *, page_size: int = 100) -> AsyncIterator[AnyJobSummary]:
        """All that `list_jobs` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_jobs(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_job(self, job_id: str) -> AnyJob:
        """Shows a job and its progress.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: AnyJob = await self._call("GET", f"/jobs/{quote(job_id, safe='')}")
        return answer

    async def list_job_results(
        self,
        job_id: str,
        *,
        status: Literal["issued", "failed", "pending", "new", "duplicate", "corrected", "revoked", "invalid", "imported", "existing", "repeated", "undelivered"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ResultRow]:
        """Lists the outcomes of a job's rows.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Page[ResultRow] = await self._call("GET", f"/jobs/{quote(job_id, safe='')}/results", query={"status": status, "limit": limit, "cursor": cursor})
        return answer

    async def iter_job_results(
        self,
        job_id: str,
        *,
        status: Literal["issued", "failed", "pending", "new", "duplicate", "corrected", "revoked", "invalid", "imported", "existing", "repeated", "undelivered"] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[ResultRow]:
        """All that `list_job_results` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_job_results(job_id, status=status, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_job_results_file(
        self,
        job_id: str,
        *,
        format: Literal["csv", "xlsx"] | None = None,
    ) -> FileLink:
        """Returns a link to the results as a file.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: FileLink = await self._call("GET", f"/jobs/{quote(job_id, safe='')}/results/file", query={"format": format})
        return answer

    async def order_job_certificates(
        self,
        job_id: str,
        *,
        lang: Literal["es", "en", "pt"] | None = None,
    ) -> PrintOrder:
        """Orders the certificates of a job as an archive.

        A key with any of the scopes `read`.
        """
        answer: PrintOrder = await self._call("POST", f"/jobs/{quote(job_id, safe='')}/certificates", query={"lang": lang})
        return answer

    async def get_job_certificates(
        self,
        job_id: str,
        *,
        lang: Literal["es", "en", "pt"] | None = None,
    ) -> PrintOrder:
        """Shows the archive of a job's certificates.

        A key with any of the scopes `read`.
        """
        answer: PrintOrder = await self._call("GET", f"/jobs/{quote(job_id, safe='')}/certificates", query={"lang": lang})
        return answer

    async def retry_job(self, job_id: str) -> Retried:
        """Runs the failed rows and mails of a job again.

        A key with any of the scopes `manage`.
        """
        answer: Retried = await self._call("POST", f"/jobs/{quote(job_id, safe='')}/retry")
        return answer

    async def cancel_job(self, job_id: str) -> AnyJob:
        """Cancels a job.

        A key with any of the scopes `manage`.
        """
        answer: AnyJob = await self._call("POST", f"/jobs/{quote(job_id, safe='')}/cancel")
        return answer

    async def resend_mail(self, credential_id: str) -> Resent:
        """Sends the mail of a credential again.

        A key with any of the scopes `manage`.
        """
        answer: Resent = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/resend")
        return answer

    async def create_upload(self, body: UploadRequest) -> Announced:
        """Announces a file of recipients, and returns the URL that takes it.

        A key with any of the scopes `issue`. The body has 4194304 bytes at most.
        """
        answer: Announced = await self._call("POST", "/uploads", body=body)
        return answer

    async def create_members_upload(self, body: MembersUploadRequest) -> Announced:
        """Announces a file of members, and returns the URL that takes it.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Announced = await self._call("POST", "/members/uploads", body=body)
        return answer

    async def get_upload(self, upload_id: str) -> Upload:
        """Shows whether a file arrived, and its job.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Upload = await self._call("GET", f"/uploads/{quote(upload_id, safe='')}")
        return answer

    async def revoke_credentials(self, body: RevokeMany, *, idempotency_key: str | None = None) -> Accepted:
        """Revokes a list of credentials as a job.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Accepted = await self._call("POST", "/credentials/revoke", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    async def correct_credential(self, credential_id: str, body: Correction) -> Credential:
        """Corrects a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("PATCH", f"/credentials/{quote(credential_id, safe='')}", body=body)
        return answer

    async def get_credential(self, credential_id: str) -> CredentialWithHistory | ErasedCredentialWithHistory:
        """Shows a credential and its history.

        A key with any of the scopes `read`.
        """
        answer: CredentialWithHistory | ErasedCredentialWithHistory = await self._call("GET", f"/credentials/{quote(credential_id, safe='')}")
        return answer

    async def renew_credential(self, credential_id: str, body: Renewal | None = None) -> Credential:
        """Gives a credential a later end.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/renew", body=body)
        return answer

    async def revoke_credential(self, credential_id: str, body: Reason) -> Credential:
        """Revokes a credential for good.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/revoke", body=body)
        return answer

    async def suspend_credential(self, credential_id: str, body: OptionalReason | None = None) -> Credential:
        """Suspends a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/suspend", body=body)
        return answer

    async def reinstate_credential(
        self,
        credential_id: str,
        body: OptionalReason | None = None,
    ) -> Credential:
        """Reinstates a suspended credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/reinstate", body=body)
        return answer

    async def erase_credential(
        self,
        credential_id: str,
        body: EraseCredential,
        *,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Erases a credential as a job.

        A key with any of the scopes `manage`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Accepted = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/erase", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    async def erase_person(self, body: ErasePerson, *, idempotency_key: str | None = None) -> Accepted:
        """Erases a person as a job.

        A key with any of the scopes `manage`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Accepted = await self._call("POST", "/people/erase", body=body, idempotency_key=idempotency_key or new_key())
        return answer

    async def block_credential(self, credential_id: str, body: Reason) -> Credential:
        """Hides a credential.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/block", body=body)
        return answer

    async def unblock_credential(self, credential_id: str, body: Empty | None = None) -> Credential:
        """Shows a hidden credential again.

        A key with any of the scopes `manage`. The body has 4194304 bytes at most.
        """
        answer: Credential = await self._call("POST", f"/credentials/{quote(credential_id, safe='')}/unblock", body=body)
        return answer

    async def export_person(self, email: str, *, idempotency_key: str | None = None) -> Accepted:
        """Puts what is held about a person into an archive, as a job.

        A key with any of the scopes `manage`. Live keys only.
        """
        answer: Accepted = await self._call("GET", f"/people/{quote(email, safe='')}/export", idempotency_key=idempotency_key or new_key())
        return answer

    async def list_signing_keys(self) -> Page[SigningKey]:
        """Lists the signing keys.

        A key with any of the scopes `admin`.
        """
        answer: Page[SigningKey] = await self._call("GET", "/signing-keys")
        return answer

    async def rotate_signing_key(self) -> SigningKey | None:
        """Replaces the key that signs.

        A key with any of the scopes `admin`.
        """
        answer: SigningKey | None = await self._call("POST", "/signing-keys")
        return answer

    async def compromise_signing_key(self, multikey: str, body: Reason) -> SigningKey:
        """Declares a retired key compromised.

        A key with any of the scopes `admin`. The body has 4194304 bytes at most.
        """
        answer: SigningKey = await self._call("POST", f"/signing-keys/{quote(multikey, safe='')}/compromise", body=body)
        return answer

    async def begin_status_list(self) -> StatusListBegun:
        """Begins a status list.

        A key with any of the scopes `admin`.
        """
        answer: StatusListBegun = await self._call("POST", "/status-lists")
        return answer

    async def list_templates(
        self,
        *,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[TemplateSummary]:
        """Lists templates.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Page[TemplateSummary] = await self._call("GET", "/templates", query={"q": q, "limit": limit, "cursor": cursor})
        return answer

    async def iter_templates(
        self,
        *,
        q: str | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[TemplateSummary]:
        """All that `list_templates` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_templates(q=q, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def create_template(self, body: TemplateDefinition) -> Template:
        """Creates a template.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Template = await self._call("POST", "/templates", body=body)
        return answer

    async def get_template(self, template_id: str) -> Template:
        """Shows a template.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Template = await self._call("GET", f"/templates/{quote(template_id, safe='')}")
        return answer

    async def put_template(self, template_id: str, body: TemplateDefinition) -> Template:
        """Replaces the definition of a template by a new version.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Template = await self._call("PUT", f"/templates/{quote(template_id, safe='')}", body=body)
        return answer

    async def archive_template(self, template_id: str) -> Template:
        """Archives a template.

        A key with any of the scopes `catalog`. Live keys only.
        """
        answer: Template = await self._call("POST", f"/templates/{quote(template_id, safe='')}/archive")
        return answer

    async def get_template_readiness(self, template_id: str) -> Readiness:
        """Tells what it lacks for a rich badge.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: Readiness = await self._call("GET", f"/templates/{quote(template_id, safe='')}/readiness")
        return answer

    async def get_template_file(
        self,
        template_id: str,
        *,
        format: Literal["csv", "xlsx"] | None = None,
    ) -> bytes:
        """Returns an example of the files that it takes.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: bytes = await self._call("GET", f"/templates/{quote(template_id, safe='')}/csv", query={"format": format})
        return answer

    async def preview_template(
        self,
        template_id: str,
        body: PreviewRequest,
        *,
        sample: Literal["longest", "shortest"] | None = None,
        lang: Literal["es", "en", "pt"] | None = None,
        accept: Literal["application/pdf", "image/png"] = "application/pdf",
    ) -> bytes:
        """Draws a sample of its certificates.

        A key with any of the scopes `catalog`, `issue`. The body has 4194304 bytes at most.
        """
        answer: bytes = await self._call("POST", f"/templates/{quote(template_id, safe='')}/preview", query={"sample": sample, "lang": lang}, body=body, accept=accept)
        return answer

    async def get_column_map(self, template_id: str) -> RememberedColumns:
        """Shows how columns of its files are read.

        A key with any of the scopes `read`, `issue`, `catalog`.
        """
        answer: RememberedColumns = await self._call("GET", f"/templates/{quote(template_id, safe='')}/column-map")
        return answer

    async def put_column_map(self, template_id: str, body: RememberColumns) -> RememberedColumns:
        """Remembers how columns of its files are read.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: RememberedColumns = await self._call("PUT", f"/templates/{quote(template_id, safe='')}/column-map", body=body)
        return answer

    async def delete_column_map(self, template_id: str) -> None:
        """Forgets how columns of its files are read.

        A key with any of the scopes `catalog`. Live keys only.
        """
        await self._call("DELETE", f"/templates/{quote(template_id, safe='')}/column-map")

    async def list_credentials(
        self,
        *,
        q: str | None = None,
        template_id: str | None = None,
        job_id: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        status: Literal["issued", "suspended", "revoked", "erased"] | None = None,
        issued_after: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Credential | ErasedCredential]:
        """Lists credentials, newest first.

        A key with any of the scopes `read`.
        """
        answer: Page[Credential | ErasedCredential] = await self._call("GET", "/credentials", query={"q": q, "template_id": template_id, "job_id": job_id, "email": email, "external_id": external_id, "status": status, "issued_after": issued_after, "limit": limit, "cursor": cursor})
        return answer

    async def iter_credentials(
        self,
        *,
        q: str | None = None,
        template_id: str | None = None,
        job_id: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        status: Literal["issued", "suspended", "revoked", "erased"] | None = None,
        issued_after: str | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[Credential | ErasedCredential]:
        """All that `list_credentials` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_credentials(q=q, template_id=template_id, job_id=job_id, email=email, external_id=external_id, status=status, issued_after=issued_after, limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_test_mail(self, credential_id: str) -> TestMail:
        """Shows the mail of a test credential.

        A key with any of the scopes `read`.
        """
        answer: TestMail = await self._call("GET", f"/credentials/{quote(credential_id, safe='')}/mail")
        return answer

    async def list_members(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Member]:
        """Lists members.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: Page[Member] = await self._call("GET", "/members", query={"limit": limit, "cursor": cursor})
        return answer

    async def iter_members(self, *, page_size: int = 100) -> AsyncIterator[Member]:
        """All that `list_members` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_members(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def import_members(
        self,
        body: bytes,
        *,
        content_type: Literal["text/csv", "text/plain", "application/json", "application/x-ndjson"] = "text/csv",
        dry_run: bool | None = None,
        encoding: str | None = None,
    ) -> ImportedMembers:
        """Imports the members of a file.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: ImportedMembers = await self._call("POST", "/members/import", query={"dry_run": dry_run, "encoding": encoding}, body=body, content_type=content_type)
        return answer

    async def get_member(self, email: str) -> Member:
        """Shows a member.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: Member = await self._call("GET", f"/members/{quote(email, safe='')}")
        return answer

    async def put_member(self, email: str, body: MemberProfile) -> Member:
        """Creates or replaces a member.

        A key with any of the scopes `catalog`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Member = await self._call("PUT", f"/members/{quote(email, safe='')}", body=body)
        return answer

    async def delete_member(self, email: str) -> None:
        """Deletes a member.

        A key with any of the scopes `catalog`. Live keys only.
        """
        await self._call("DELETE", f"/members/{quote(email, safe='')}")

    async def list_member_credentials(
        self,
        email: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> MemberCredentials:
        """Lists the credentials of a member.

        A key with any of the scopes `read`, `catalog`.
        """
        answer: MemberCredentials = await self._call("GET", f"/members/{quote(email, safe='')}/credentials", query={"limit": limit, "cursor": cursor})
        return answer

    async def list_suppressions(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Suppression]:
        """Lists the addresses that get no mail.

        A key with any of the scopes `read`.
        """
        answer: Page[Suppression] = await self._call("GET", "/suppressions", query={"limit": limit, "cursor": cursor})
        return answer

    async def iter_suppressions(self, *, page_size: int = 100) -> AsyncIterator[Suppression]:
        """All that `list_suppressions` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_suppressions(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def remove_suppression(self, email: str) -> None:
        """Lets an address get mail again.

        A key with any of the scopes `manage`.
        """
        await self._call("DELETE", f"/suppressions/{quote(email, safe='')}")

    async def list_api_keys(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """Lists API keys.

        A key with any of the scopes `admin`.
        """
        answer: Page[ApiKey] = await self._call("GET", "/api-keys", query={"limit": limit, "cursor": cursor})
        return answer

    async def iter_api_keys(self, *, page_size: int = 100) -> AsyncIterator[ApiKey]:
        """All that `list_api_keys` lists, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list_api_keys(limit=page_size, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def create_api_key(self, body: ApiKeyRequest) -> NewApiKey:
        """Creates an API key.

        A key with any of the scopes `admin`. The body has 4194304 bytes at most.
        """
        answer: NewApiKey = await self._call("POST", "/api-keys", body=body)
        return answer

    async def revoke_api_key(self, key_id: str) -> None:
        """Revokes an API key.

        A key with any of the scopes `admin`.
        """
        await self._call("DELETE", f"/api-keys/{quote(key_id, safe='')}")

    async def get_key(self) -> OwnKey:
        """Says whose key this is, and what it permits.

        A key with any of the scopes `issue`, `read`, `catalog`, `manage`, `admin`.
        """
        answer: OwnKey = await self._call("GET", "/key")
        return answer

    async def get_organization(self) -> Organization:
        """Shows the organization.

        A key with any of the scopes `read`, `admin`.
        """
        answer: Organization = await self._call("GET", "/organization")
        return answer

    async def put_organization(self, body: OrganizationSettings) -> Organization:
        """Replaces settings.

        A key with any of the scopes `admin`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Organization = await self._call("PUT", "/organization", body=body)
        return answer

    async def get_design(self) -> Design:
        """Shows the design of certificates.

        A key with any of the scopes `read`, `catalog`, `admin`.
        """
        answer: Design = await self._call("GET", "/organization/design")
        return answer

    async def put_design(self, body: DesignInput) -> Design:
        """Replaces the design of certificates.

        A key with any of the scopes `admin`. Live keys only. The body has 4194304 bytes at most.
        """
        answer: Design = await self._call("PUT", "/organization/design", body=body)
        return answer

    async def verify(
        self,
        body: VerifyRequest | bytes,
        *,
        content_type: Literal["application/json", "application/pdf", "image/png", "image/svg+xml"] = "application/json",
    ) -> Verification:
        """Verifies a document, or a credential of this service.

        A key with any of the scopes `issue`, `read`, `catalog`, `manage`, `admin`. The body has 4194304 bytes
        at most.
        """
        answer: Verification = await self._call("POST", "/verify", body=body, content_type=content_type)
        return answer
