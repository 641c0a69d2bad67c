/** Sends requests: again where that is safe, and with errors thrown. */

import { ConnectionFailedError, errorOf, problemOf } from "./errors.js";
import { KEYED } from "./keyed.js";
import { delay, isRepeatable, isTransient, readRetryAfter, sleep } from "./retry.js";

const keyed = KEYED.map((name) => new RegExp(`^${name.replace(/\{\w+\}/g, "[^/]+")}$`));

/** Settings of a transport. */
export interface Transport {
  fetch: typeof globalThis.fetch;
  /** Milliseconds for an attempt. */
  timeout: number;
  attempts: number;
}

/**
 * Sends a request of the API. What takes an `Idempotency-Key` gets one unless it has one, the same in each attempt.
 *
 * Throws an `ApiError` for an answer other than success.
 */
export async function send(transport: Transport, request: Request): Promise<Response> {
  const path = new URL(request.url).pathname;
  if (!request.headers.has("Idempotency-Key") && keyed.some((it) => it.test(`${request.method} ${path}`))) {
    request.headers.set("Idempotency-Key", crypto.randomUUID());
  }
  return exchange(transport, request, isRepeatable(request));
}

/** Sends a request until its answer is to be read. */
export async function exchange(transport: Transport, request: Request, repeatable: boolean): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= transport.attempts;
    let response: Response;
    try {
      response = await whole(transport, request.clone());
    } catch (cause) {
      if (!repeatable || last) throw new ConnectionFailedError(String(cause), { cause });
      await sleep(delay(attempt, undefined));
      continue;
    }
    if (response.ok) return response;
    const code = String((await problemOf(response)).code);
    if (last || !isTransient(response.status, code, repeatable)) throw await errorOf(response);
    await sleep(delay(attempt, readRetryAfter(response.headers)));
  }
}

/** An answer with all of its body, since a connection can break in the midst of one. */
async function whole(transport: Transport, request: Request): Promise<Response> {
  const { fetch } = transport;
  const response = await fetch(request, { signal: AbortSignal.timeout(transport.timeout) });
  const body = await response.arrayBuffer();
  const { status, statusText, headers } = response;
  return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
}
