"""What goes wrong, as types. `code` is stable, texts are for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .models import AnyJob, ProblemField, RefusedRecipient


class UnicredaError(Exception):
    """Everything that this client raises by itself."""


class ConnectionFailedError(UnicredaError):
    """No answer came, or half of one: the cause is httpx's. A POST without a key may have been carried out."""


class ApiError(UnicredaError):
    """The service refused or failed: a problem (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any], request_id: str | None) -> None:
        self.status = status
        #: Stable, for programs.
        self.code: str = problem.get("code", "")
        self.title: str = problem.get("title", "")
        #: For people, in the client's language.
        self.detail: str = problem.get("detail", "")
        #: The faults of a request, each with its place; 100 at most.
        self.errors = cast("list[ProblemField]", problem.get("errors", []))
        self.errors_omitted: int = problem.get("errors_omitted", 0)
        #: What to name to whoever runs the service.
        self.request_id: str | None = problem.get("request_id", request_id)
        #: The whole problem.
        self.problem = problem
        places = "".join(f"\n  {it['pointer']}: {it['message']} ({it['code']})" for it in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail or self.title}{places}")


class InvalidRequestError(ApiError):
    """400: `errors` names every fault with its place."""


class AuthenticationError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""


class PermissionDeniedError(ApiError):
    """403: the key lacks the scope, is a test key, or the request was blocked."""


class NotFoundError(ApiError):
    """404: no such thing, or it is another organization's or mode's."""


class ConflictError(ApiError):
    """409: what is there does not allow it now."""


class IdempotencyInProgressError(ConflictError):
    """409: the first request with this key still runs."""


class GoneError(ApiError):
    """410: it was revoked or erased."""


class TooLargeError(ApiError):
    """413: too many bytes or recipients."""


class UnsupportedMediaTypeError(ApiError):
    """415."""


class IdempotencyMismatchError(ApiError):
    """422: this key was used with another body."""


class RateLimitedError(ApiError):
    """429, still after the last retry."""


class ServiceError(ApiError):
    """500 and above, still after the last retry."""


class RecipientRefusedError(UnicredaError):
    """The one recipient of `issue` is at fault: nothing was issued."""

    def __init__(self, refused: RefusedRecipient) -> None:
        self.errors = refused["errors"]
        #: Stable, for programs: `invalid_email`, `missing_field` …
        self.codes = refused["error_codes"]
        self.refused = refused
        super().__init__("; ".join(self.errors))


class JobFailedError(UnicredaError):
    """The job ended as `FAILURE`: a file that cannot be used as a whole."""

    def __init__(self, job: AnyJob) -> None:
        fault = cast("dict[str, Any]", job)
        self.job = job
        self.code: str = fault.get("code", "")
        super().__init__(f"{self.code}: {fault.get('error', '')}")


class WaitTimeoutError(UnicredaError):
    """What was waited for did not end in time. It goes on; wait again."""


_BY_CODE: dict[str, type[ApiError]] = {
    "idempotency_in_progress": IdempotencyInProgressError,
    "idempotency_mismatch": IdempotencyMismatchError,
}
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    413: TooLargeError,
    415: UnsupportedMediaTypeError,
    422: InvalidRequestError,
    429: RateLimitedError,
}


def error_of(status: int, problem: dict[str, Any], request_id: str | None) -> ApiError:
    """The error of an answer."""
    kind = _BY_CODE.get(problem.get("code", "")) or _BY_STATUS.get(status)
    return (kind or (ServiceError if status >= 500 else ApiError))(status, problem, request_id)
