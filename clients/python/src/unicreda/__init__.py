"""Client of unicreda, which issues digital academic credentials.

`Unicreda` waits, `AsyncUnicreda` is awaited; both have a method for each operation of the API, and beside these `issue`,
`issue_many`, `upload`, `wait` and iterators over lists. `unicreda.models` has the types of what is sent and answered.
"""

from ._base import File, IssueOptions, MembersUploadOptions, Progress, UploadOptions
from .aio import AsyncIssueResults, AsyncUnicreda
from .client import IssueResults, Unicreda
from .errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    GoneError,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    InvalidRequestError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RecipientRefusedError,
    ServiceError,
    TooLargeError,
    UnicredaError,
    UnsupportedMediaTypeError,
    WaitTimeoutError,
)

__all__ = [
    "ApiError",
    "AsyncIssueResults",
    "AsyncUnicreda",
    "AuthenticationError",
    "ConflictError",
    "ConnectionFailedError",
    "File",
    "GoneError",
    "IdempotencyInProgressError",
    "IdempotencyMismatchError",
    "InvalidRequestError",
    "IssueOptions",
    "IssueResults",
    "JobFailedError",
    "MembersUploadOptions",
    "NotFoundError",
    "PermissionDeniedError",
    "Progress",
    "RateLimitedError",
    "RecipientRefusedError",
    "ServiceError",
    "TooLargeError",
    "Unicreda",
    "UnicredaError",
    "UnsupportedMediaTypeError",
    "UploadOptions",
    "WaitTimeoutError",
]
