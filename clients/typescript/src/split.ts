import type { Recipient } from "./types.js";

/** What a request to issue takes: recipients, and bytes of them of the 4 MiB. */
const MOST_RECIPIENTS = 10_000;
const MOST_BYTES = 4_000_000;

/** As many recipients at once as a request takes. */
export function* split(recipients: Iterable<Recipient>): Generator<Recipient[]> {
  const encoder = new TextEncoder();
  let chunk: Recipient[] = [];
  let size = 0;
  for (const recipient of recipients) {
    const bytes = encoder.encode(JSON.stringify(recipient)).length + 1;
    if (chunk.length > 0 && (chunk.length === MOST_RECIPIENTS || size + bytes > MOST_BYTES)) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(recipient);
    size += bytes;
  }
  if (chunk.length > 0) yield chunk;
}
