# Made by infra/clients.py from aio.py; changes are lost.

"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Unpack, cast

import httpx

from . import _retry
from ._base import (
    File,
    IssueOptions,
    MembersUploadOptions,
    Part,
    Parts,
    Progress,
    Shared,
    UploadOptions,
    describe,
    has_ended,
    issue_request,
    only_one,
    problem_of,
    progress_of,
    read,
    row_of,
    split,
)
from ._operations import Operations
from .errors import ConflictError, ConnectionFailedError, WaitTimeoutError
from .models import Announced, AnyJob, IssuedAtOnce, IssuedCredential, Job, Recipient, ResultRow


class IssueResults(Parts):
    """The end of `issue_many`: its sums, and by iterating a row for each recipient, in their order."""

    def __init__(self, client: Unicreda, parts: list[Part]) -> None:
        super().__init__(parts)
        self._client = client

    def __iter__(self) -> Iterator[ResultRow]:
        for part in self._parts:
            if part.row is not None:
                yield part.renumber(part.row)
            elif part.job_id is not None:
                for row in self._client.iter_job_results(part.job_id, page_size=1000):
                    yield part.renumber(row)


class Unicreda(Shared, Operations):
    """The API of one organization, in the mode of its key. To be closed, or used in a `with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        language: Literal["es", "en"] = "es",
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`language` is that of texts for people; `timeout` is in seconds, for each part of a request. `retries` is how often
        a request is sent again after a broken connection, 429, 500 or 503, where that can do nothing twice."""
        super().__init__(base_url, api_key, language=language, timeout=timeout, retries=retries)
        self._http = httpx.Client(timeout=timeout, transport=transport)

    def __enter__(self) -> Unicreda:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def issue(
        self,
        template_id: str,
        recipient: Recipient,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[IssueOptions],
    ) -> IssuedCredential:
        """Issues to one recipient, or finds what was issued to them (`duplicate`).

        Raises `RecipientRefusedError` when the recipient is at fault."""
        body = issue_request(template_id, [recipient], options)
        answer = self.issue_credentials(body, idempotency_key=idempotency_key)
        return only_one(cast("IssuedAtOnce", answer))

    def issue_many(
        self,
        template_id: str,
        recipients: Iterable[Recipient],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        timeout: float | None = None,
        poll_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[IssueOptions],
    ) -> IssueResults:
        """Issues to any number of recipients, and waits until all have their outcome and their mail.

        A job is made for each 10,000 recipients. A recipient at fault fails alone. Should this be cut off, do the same again:
        nothing is issued or mailed twice. Raises `WaitTimeoutError` after `timeout` seconds; the jobs go on."""
        deadline = _deadline(timeout)
        key = idempotency_key or _retry.new_key()
        parts: list[Part] = []
        total = 0
        for chunk in split(recipients):
            body = issue_request(template_id, chunk, options)
            answer = self.issue_credentials(body, idempotency_key=f"{key}-{len(parts) + 1}")
            if answer["mode"] == "async":
                parts.append(Part(total, len(chunk), answer["job_id"], None))
            else:
                parts.append(Part(total, len(chunk), None, row_of(cast("IssuedAtOnce", answer))))
            total += len(chunk)

        for part in parts:

            def report(job: AnyJob, part: Part = part) -> None:
                part.job = job
                if on_progress is not None:
                    on_progress(progress_of(parts, total))

            if part.job_id is not None:
                self.wait(part.job_id, on_progress=report, timeout=_left(deadline), poll_seconds=poll_seconds)
            elif on_progress is not None:
                on_progress(progress_of(parts, total))
        return IssueResults(self, parts)

    def wait(
        self,
        job_id: str,
        *,
        on_progress: Callable[[AnyJob], None] | None = None,
        timeout: float | None = None,
        poll_seconds: float | None = None,
    ) -> AnyJob:
        """Follows a job to its end, asking as often as the service says.

        Raises `JobFailedError` for a file that cannot be used, and `WaitTimeoutError` after `timeout` seconds."""
        deadline = _deadline(timeout)
        while True:
            response = self._send("GET", f"/jobs/{job_id}")
            job = cast("AnyJob", read(response))
            if on_progress is not None:
                on_progress(job)
            if has_ended(job):
                return job
            asked = _retry.read_retry_after(response.headers.get("Retry-After"))
            _pause(poll_seconds or asked or 2.0, deadline, f"job {job_id}")

    def upload(
        self,
        template_id: str,
        file: File,
        *,
        file_name: str | None = None,
        on_progress: Callable[[AnyJob], None] | None = None,
        timeout: float | None = None,
        poll_seconds: float | None = None,
        **options: Unpack[UploadOptions],
    ) -> Job:
        """Issues from a file: a spreadsheet, CSV or JSON, as a path or as bytes (then name it). Waits for the end of its job.

        With `dry_run=True` nothing is issued. Raises `JobFailedError` when the file cannot be used as a whole."""
        name, size = describe(file, file_name)
        body = {"template_id": template_id, "file_name": name, "size": size, **options}
        announced = cast("Announced", read(self._send("POST", "/uploads", body=body, repeatable=True)))
        return cast("Job", self._deliver(announced, file, size, on_progress, timeout, poll_seconds))

    def upload_members(
        self,
        file: File,
        *,
        file_name: str | None = None,
        on_progress: Callable[[AnyJob], None] | None = None,
        timeout: float | None = None,
        poll_seconds: float | None = None,
        **options: Unpack[MembersUploadOptions],
    ) -> AnyJob:
        """Imports members from a file, as `upload` issues from one."""
        name, size = describe(file, file_name)
        body = {"file_name": name, "size": size, **options}
        announced = cast("Announced", read(self._send("POST", "/members/uploads", body=body, repeatable=True)))
        return self._deliver(announced, file, size, on_progress, timeout, poll_seconds)

    def results_file(
        self,
        job_id: str,
        *,
        format: Literal["csv", "xlsx"] = "csv",
        timeout: float | None = 600.0,
        poll_seconds: float | None = None,
    ) -> bytes:
        """The results of a file, once they are written: its own columns, and what became of each row."""
        deadline = _deadline(timeout)
        while True:
            try:
                link = self.get_job_results_file(job_id, format=format)
                break
            except ConflictError:
                _pause(poll_seconds or 1.0, deadline, f"the results file of job {job_id}")
        # The link is signed; the key stays here.
        answer = self._exchange(lambda: self._http.build_request("GET", link["url"]), repeatable=True)
        if not answer.is_success:
            raise problem_of(answer)
        return answer.content

    def _deliver(
        self,
        announced: Announced,
        file: File,
        size: int,
        on_progress: Callable[[AnyJob], None] | None,
        timeout: float | None,
        poll_seconds: float | None,
    ) -> AnyJob:
        deadline = _deadline(timeout)
        target = announced["upload"]

        def request() -> httpx.Request:
            # The URL is signed; the key stays here.
            headers = httpx.Headers(target["headers"])
            headers["Content-Length"] = str(size)
            content = file if isinstance(file, bytes) else _blocks(Path(file))
            return self._http.build_request("PUT", target["url"], headers=headers, content=content)

        answer = self._exchange(request, repeatable=True)
        if not answer.is_success:
            raise problem_of(answer)
        upload_id = announced["upload_id"]
        upload = self.get_upload(upload_id)
        while (job_id := upload["job_id"]) is None:
            _pause(poll_seconds or 1.0, deadline, f"upload {upload_id}")
            upload = self.get_upload(upload_id)
        return self.wait(job_id, on_progress=on_progress, timeout=_left(deadline), poll_seconds=poll_seconds)

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
        return read(self._send(method, path, query, body, content_type, accept, idempotency_key))

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str | None = None,
        idempotency_key: str | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        arguments = self._write(method, path, query, body, content_type, accept, idempotency_key)
        repeatable = repeatable or _retry.is_repeatable(method, idempotency_key)
        return self._exchange(lambda: self._http.build_request(**arguments), repeatable)

    def _exchange(self, request: Callable[[], httpx.Request], repeatable: bool) -> httpx.Response:
        """Sends a request until its answer is to be read."""
        attempt = 1
        while True:
            try:
                response = self._http.send(request())
            except httpx.TransportError as error:
                if not repeatable or attempt >= self._attempts:
                    raise ConnectionFailedError(f"{type(error).__name__}: {error}") from error
                again = _retry.delay(attempt, None)
            else:
                seconds = self._judge(response, attempt, repeatable)
                if seconds is None:
                    return response
                again = seconds
            time.sleep(again)
            attempt += 1


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _pause(seconds: float, deadline: float | None, what: str) -> None:
    if deadline is not None and time.monotonic() + seconds > deadline:
        raise WaitTimeoutError(f"{what} has not ended in time")
    time.sleep(seconds)
