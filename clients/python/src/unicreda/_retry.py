"""When a request is sent again, and how long after."""

from __future__ import annotations

import random
import uuid
from email.utils import parsedate_to_datetime
from datetime import datetime, timezone

# Answers after which the same request is to be sent again, if that is safe.
TRANSIENT = {500, 502, 503, 504}
# Seconds: the first wait, and the longest one unless the service names a longer.
FIRST, LONGEST = 0.5, 20.0


def new_key() -> str:
    """An `Idempotency-Key`: random, so it names no person."""
    return str(uuid.uuid4())


def is_repeatable(method: str, idempotency_key: str | None) -> bool:
    """Whether a request whose answer was lost does no harm when it is sent again."""
    return method in ("GET", "HEAD", "PUT") or idempotency_key is not None


def is_transient(status: int, code: str | None, repeatable: bool) -> bool:
    """Whether an answer asks for the same request again. One that was throttled did nothing."""
    if status == 429:
        return True
    return repeatable and (status in TRANSIENT or code == "idempotency_in_progress")


def delay(attempt: int, retry_after: float | None) -> float:
    """Seconds before attempt `attempt + 1`, of which the first is 1: as the service says, else twice as long each time;
    spread, so that clients that failed together do not return together."""
    backoff = min(LONGEST, FIRST * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    return backoff if retry_after is None else retry_after + random.uniform(0.0, min(1.0, backoff))


def read_retry_after(value: str | None) -> float | None:
    """The header `Retry-After` in seconds: a number, or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
