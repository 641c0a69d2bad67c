/** When a request is sent again, and how long after. */

/** Answers after which the same request is to be sent again, if that is safe. */
const TRANSIENT = new Set([500, 502, 503, 504]);
/** Milliseconds: the first wait, and the longest one unless the service names a longer. */
const FIRST = 500;
const LONGEST = 20_000;

/** Whether a request whose answer was lost does no harm when it is sent again. */
export function isRepeatable(request: Request): boolean {
  return ["GET", "HEAD", "PUT"].includes(request.method) || request.headers.has("Idempotency-Key");
}

/** Whether an answer asks for the same request again. One that was throttled did nothing. */
export function isTransient(status: number, code: string, repeatable: boolean): boolean {
  return status === 429 || (repeatable && (TRANSIENT.has(status) || code === "idempotency_in_progress"));
}

/**
 * Milliseconds before attempt `attempt + 1`, of which the first is 1: as the service says, else twice as long each time;
 * spread, so that clients that failed together do not return together.
 */
export function delay(attempt: number, retryAfter: number | undefined): number {
  const backoff = Math.min(LONGEST, FIRST * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
  return retryAfter === undefined ? backoff : retryAfter + Math.random() * Math.min(1000, backoff);
}

/** The header `Retry-After` in milliseconds: a number of seconds, or a date. */
export function readRetryAfter(headers: Headers): number | undefined {
  const value = headers.get("Retry-After")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
