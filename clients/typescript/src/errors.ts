/** What goes wrong, as types. `code` is stable, texts are for people. */

import type { AnyJob, ProblemField, RefusedRecipient } from "./types.js";

/** Everything that this client throws by itself. */
export class UnicredaError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No answer came, or half of one: see `cause`. A POST without a key may have been carried out. */
export class ConnectionFailedError extends UnicredaError {}

/** What waiting was for did not end in time. It goes on; wait again. */
export class WaitTimeoutError extends UnicredaError {}

/** The service refused or failed: a problem (RFC 9457). */
export class ApiError extends UnicredaError {
  /** Stable, for programs. */
  readonly code: string;
  readonly title: string;
  /** For people, in the client's language. */
  readonly detail: string;
  /** The faults of a request, each with its place; 100 at most. */
  readonly errors: ProblemField[];
  readonly errorsOmitted: number;
  /** What to name to whoever runs the service. */
  readonly requestId: string | undefined;

  constructor(
    readonly status: number,
    /** The whole problem. */
    readonly problem: Record<string, unknown>,
    requestId?: string | null,
  ) {
    const text = (member: string) => (typeof problem[member] === "string" ? (problem[member] as string) : "");
    const errors = Array.isArray(problem.errors) ? (problem.errors as ProblemField[]) : [];
    const places = errors.map((it) => `\n  ${it.pointer}: ${it.message} (${it.code})`).join("");
    super(`${status} ${text("code")}: ${text("detail") || text("title")}${places}`);
    this.code = text("code");
    this.title = text("title");
    this.detail = text("detail");
    this.errors = errors;
    this.errorsOmitted = typeof problem.errors_omitted === "number" ? problem.errors_omitted : 0;
    this.requestId = text("request_id") || requestId || undefined;
  }
}

/** 400: `errors` names every fault with its place. */
export class InvalidRequestError extends ApiError {}
/** 401: the key is missing, wrong, expired or revoked. */
export class AuthenticationError extends ApiError {}
/** 403: the key lacks the scope, is a test key, or the request was blocked. */
export class PermissionDeniedError extends ApiError {}
/** 404: no such thing, or it is another organization's or mode's. */
export class NotFoundError extends ApiError {}
/** 409: what is there does not allow it now. */
export class ConflictError extends ApiError {}
/** 409: the first request with this key still runs. */
export class IdempotencyInProgressError extends ConflictError {}
/** 410: it was revoked or erased. */
export class GoneError extends ApiError {}
/** 413: too many bytes or recipients. */
export class TooLargeError extends ApiError {}
/** 415. */
export class UnsupportedMediaTypeError extends ApiError {}
/** 422: this key was used with another body. */
export class IdempotencyMismatchError extends ApiError {}
/** 429, still after the last retry. */
export class RateLimitedError extends ApiError {}
/** 500 and above, still after the last retry. */
export class ServiceError extends ApiError {}

/** The one recipient of `issue` is at fault: nothing was issued. */
export class RecipientRefusedError extends UnicredaError {
  constructor(readonly refused: RefusedRecipient) {
    super(refused.errors.join("; "));
  }

  get errors(): string[] {
    return this.refused.errors;
  }

  /** Stable, for programs: `invalid_email`, `missing_field` … */
  get codes(): string[] {
    return this.refused.error_codes;
  }
}

/** The job ended as `FAILURE`: a file that cannot be used as a whole. */
export class JobFailedError extends UnicredaError {
  readonly code: string;

  constructor(readonly job: AnyJob) {
    const fault = job as { code?: string; error?: string };
    super(`${fault.code ?? ""}: ${fault.error ?? ""}`);
    this.code = fault.code ?? "";
  }
}

const BY_CODE: Record<string, typeof ApiError> = {
  idempotency_in_progress: IdempotencyInProgressError,
  idempotency_mismatch: IdempotencyMismatchError,
};
const BY_STATUS: Record<number, typeof ApiError> = {
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
};

/** The error that an answer is. */
export async function errorOf(response: Response): Promise<ApiError> {
  const problem = await problemOf(response);
  const kind = BY_CODE[String(problem.code)] ?? BY_STATUS[response.status];
  const fallback = response.status >= 500 ? ServiceError : ApiError;
  return new (kind ?? fallback)(response.status, problem, response.headers.get("X-Request-Id"));
}

/** The problem of an answer, which stays readable. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.clone().text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null) return problem as Record<string, unknown>;
  } catch {
    // Not from the service: a proxy's page.
  }
  return { detail: text.slice(0, 200) };
}
