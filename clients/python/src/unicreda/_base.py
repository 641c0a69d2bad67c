"""What both clients share: no input or output here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, cast

import httpx

from . import _retry
from .errors import ApiError, JobFailedError, RecipientRefusedError, error_of
from .models import (
    AnyJob,
    ColumnMap,
    IssuedAtOnce,
    IssuedCredential,
    IssueRequest,
    MetadataInput,
    Recipient,
    RefusedRecipient,
    ResultRow,
    Strict,
)

#: What a request to issue takes.
MOST_RECIPIENTS = 10_000
# Bytes of recipients in a request, of the 4 MiB that it may have.
_MOST_BYTES = 4_000_000
_API = "/api/v1"

#: A file to upload: its path, or its bytes.
File: TypeAlias = str | Path | bytes


class IssueOptions(TypedDict, total=False):
    """What else a request to issue says."""

    send_email: bool
    strict: Strict
    reissue: bool
    metadata: MetadataInput


class UploadOptions(TypedDict, total=False):
    """What else the upload of a file of recipients says; see `UploadRequest`."""

    send_email: bool
    correct: bool
    strict: Strict
    reissue: bool
    day_first: bool
    dry_run: bool
    encoding: str
    column_map: ColumnMap
    sheet: str
    hidden_rows: Literal["skip", "read"]


class MembersUploadOptions(TypedDict, total=False):
    """What else the upload of a file of members says; see `MembersUploadRequest`."""

    dry_run: bool
    encoding: str
    column_map: ColumnMap
    sheet: str
    hidden_rows: Literal["skip", "read"]


@dataclass(frozen=True)
class Progress:
    """How far `issue_many` is, over all of its jobs."""

    #: Recipients.
    total: int
    #: Those whose issuing has ended, well or not.
    current: int
    #: Those whose mail has ended too.
    emails_done: int


@dataclass
class Part:
    """What one request of `issue_many` became: a job, or the row of a single recipient."""

    #: Rows of the parts before it.
    offset: int
    total: int
    job_id: str | None
    row: ResultRow | None
    #: As last seen.
    job: AnyJob | None = None

    def counts(self) -> tuple[int, int]:
        """Recipients whose issuing, and whose mail, has ended."""
        if self.row is not None:
            return 1, 1
        if self.job is None:
            return 0, 0
        progress = cast("dict[str, Any]", self.job["progress"])
        return progress["current"], progress.get("emails_done", 0)

    def renumber(self, row: ResultRow) -> ResultRow:
        """The row with its number among all recipients."""
        return {**row, "row": row["row"] + self.offset}


class Parts:
    """The end of `issue_many`: its sums. Iterate over it for a row each recipient, in their order."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    @property
    def jobs(self) -> list[AnyJob]:
        """The jobs, one for each 10,000 recipients; none for a single recipient."""
        return [part.job for part in self._parts if part.job is not None]

    @property
    def total(self) -> int:
        """Recipients."""
        return sum(part.total for part in self._parts)

    @property
    def successful(self) -> int:
        """Recipients who have their credential, the ones that they had before included."""
        return sum(self._count(part, "successful", "issued") for part in self._parts)

    @property
    def failed(self) -> int:
        """Recipients at fault."""
        return sum(self._count(part, "failed", "failed") for part in self._parts)

    @staticmethod
    def _count(part: Part, member: str, status: str) -> int:
        if part.row is not None:
            return int(part.row["status"] == status)
        result = cast("dict[str, Any]", part.job).get("result") if part.job else None
        return int(result[member]) if result else 0


def progress_of(parts: list[Part], total: int) -> Progress:
    """The sum of all parts."""
    counts = [part.counts() for part in parts]
    return Progress(total, sum(c[0] for c in counts), sum(c[1] for c in counts))


def split(recipients: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    """As many at once as a request takes."""
    chunk: list[Recipient] = []
    size = 0
    for recipient in recipients:
        bytes_ = len(json.dumps(recipient, ensure_ascii=False).encode()) + 1
        if chunk and (len(chunk) == MOST_RECIPIENTS or size + bytes_ > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(recipient)
        size += bytes_
    if chunk:
        yield chunk


def issue_request(template_id: str, recipients: list[Recipient], options: IssueOptions) -> IssueRequest:
    """The body of a request to issue."""
    return {"template_id": template_id, "recipients": recipients, **options}


def only_one(answer: IssuedAtOnce) -> IssuedCredential:
    """The credential of an answer to one recipient; raises what was wrong with them."""
    outcome = answer["credentials"][0]
    if outcome["status"] == "error":
        raise RecipientRefusedError(outcome)
    return outcome


def row_of(answer: IssuedAtOnce) -> ResultRow:
    """The outcome of one recipient as a job would list it."""
    outcome: IssuedCredential | RefusedRecipient = answer["credentials"][0]
    row: ResultRow = {
        "row": 1,
        "email": outcome["email"],
        "external_id": outcome.get("external_id"),
        "status": "issued",
        "credential_id": None,
        "credential_url": None,
        "recipient_type": None,
        "duplicate": None,
        "email_status": None,
        "error": None,
        "email_error": None,
        "email_detail": None,
        "credential_version": None,
    }
    if outcome["status"] == "error":
        row["status"], row["error"] = "failed", "; ".join(outcome["errors"])
        return row
    row["credential_id"], row["credential_url"] = outcome["credential_id"], outcome["credential_url"]
    row["recipient_type"], row["duplicate"] = outcome["recipient_type"], outcome["duplicate"]
    row["email_status"] = outcome["email_status"]
    return row


def has_ended(job: AnyJob) -> bool:
    """Whether a job is at its end; raises if that is `FAILURE`."""
    if job["status"] == "FAILURE":
        raise JobFailedError(job)
    return job["status"] == "SUCCESS"


def describe(file: File, file_name: str | None) -> tuple[str, int]:
    """The name and the size of a file."""
    if isinstance(file, bytes):
        return file_name or "recipients.csv", len(file)
    path = Path(file)
    return file_name or path.name, path.stat().st_size


class Shared:
    """Settings, and how requests are written and answers read."""

    def __init__(self, base_url: str, api_key: str, *, language: str, timeout: float, retries: int) -> None:
        """`base_url` is the root of the site, with or without `/api/v1`."""
        self._site = base_url.rstrip("/").removesuffix(_API)
        self._headers = {"X-API-Key": api_key, "Accept-Language": language, "User-Agent": "unicreda-python/0.1.0"}
        self._timeout = timeout
        self._attempts = retries + 1

    def _write(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content_type: str,
        accept: str | None,
        idempotency_key: str | None,
    ) -> dict[str, Any]:
        """The arguments of httpx for a request."""
        headers = {**self._headers, "Accept": accept or "application/json, */*;q=0.5"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        content = None
        if body is not None:
            headers["Content-Type"] = content_type
            content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        params = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        url = f"{self._site}{_API}{path}"
        return {"method": method, "url": url, "params": params, "headers": headers, "content": content}

    def _judge(self, response: httpx.Response, attempt: int, repeatable: bool) -> float | None:
        """Seconds after which the request is to be sent again; none when the answer is to be read."""
        if response.is_success or attempt >= self._attempts:
            return None
        if not _retry.is_transient(response.status_code, _problem(response).get("code"), repeatable):
            return None
        return _retry.delay(attempt, _retry.read_retry_after(response.headers.get("Retry-After")))


def read(response: httpx.Response) -> Any:
    """The body of an answer; raises the problem that it is."""
    if not response.is_success:
        raise problem_of(response)
    if response.status_code == 204:
        return None
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response.json()
    return response.content


def problem_of(response: httpx.Response) -> ApiError:
    """The error that an answer is."""
    return error_of(response.status_code, _problem(response), response.headers.get("X-Request-Id"))


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": response.text[:200]}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
