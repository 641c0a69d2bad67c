import createClient, { type Client } from "openapi-fetch";

import { ConflictError, JobFailedError, RecipientRefusedError, WaitTimeoutError } from "./errors.js";
import { readRetryAfter, sleep } from "./retry.js";
import type { paths } from "./schema.js";
import { split } from "./split.js";
import { exchange, send, type Transport } from "./transport.js";
import type { AnyJob, IssuedCredential, Job, Recipient, RefusedRecipient, ResultRow, Schemas } from "./types.js";

/** Settings of a client. */
export interface Options {
  /** The root of the site, with or without `/api/v1`. */
  baseUrl: string;
  apiKey: string;
  /** The language of texts for people; Spanish by default. */
  language?: "es" | "en";
  /** Milliseconds for an attempt of a request; 60,000 by default. */
  timeout?: number;
  /** How often a request is sent again where that can do nothing twice; 4 by default. */
  retries?: number;
  /** Another `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** How long to wait. */
export interface WaitOptions {
  /** Milliseconds until a `WaitTimeoutError`; without it there is no end. */
  timeout?: number;
  /** Milliseconds between questions; without it as the service says. */
  pollEvery?: number;
}

/** What else a request to issue says. */
export interface IssueOptions extends Omit<Schemas["IssueRequest"], "template_id" | "recipients"> {
  /** Yours, to keep it across runs; without it one is made. */
  idempotencyKey?: string;
}

/** What else the upload of a file says. */
export type UploadOptions = Omit<Schemas["UploadRequest"], "template_id" | "file_name" | "size">;

/** How far `issueMany` is, over all of its jobs. */
export interface Progress {
  /** Recipients. */
  total: number;
  /** Those whose issuing has ended, well or not. */
  current: number;
  /** Those whose mail has ended too. */
  emailsDone: number;
}

/** A page of a list. */
interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** What one request of `issueMany` became: a job, or the row of a single recipient. */
interface Part {
  /** Rows of the parts before it. */
  offset: number;
  total: number;
  jobId?: string;
  job?: AnyJob;
  row?: ResultRow;
}

type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Q } } }
  ? Omit<NonNullable<Q>, "limit" | "cursor">
  : never;

/** Items of a page of an iterator. */
const PAGE = 1000;

/** The API of one organization, in the mode of its key. */
export class Unicreda {
  /**
   * Every operation, by its path: `(await client.api.GET("/api/v1/jobs", {})).data`. Retried where that is safe; throws
   * an `ApiError` for an answer other than success.
   */
  readonly api: Client<paths>;
  readonly #transport: Transport;

  constructor(options: Options) {
    const { baseUrl, apiKey, language = "es", timeout = 60_000, retries = 4, fetch = globalThis.fetch } = options;
    const transport = { fetch, timeout, attempts: retries + 1 };
    this.#transport = transport;
    this.api = createClient<paths>({
      baseUrl: baseUrl.replace(/\/+$/, "").replace(/\/api\/v1$/, ""),
      headers: { "X-API-Key": apiKey, "Accept-Language": language, Accept: "application/json, */*;q=0.5" },
      fetch: (request) => send(transport, request),
    });
  }

  /**
   * Issues to one recipient, or finds what was issued to them (`duplicate`).
   *
   * Throws a `RecipientRefusedError` when the recipient is at fault.
   */
  async issue(templateId: string, recipient: Recipient, options: IssueOptions = {}): Promise<IssuedCredential> {
    const answer = await this.#issue(templateId, [recipient], options, options.idempotencyKey);
    const outcome = outcomeOf(answer);
    if (outcome.status === "error") throw new RecipientRefusedError(outcome);
    return outcome;
  }

  /**
   * Issues to any number of recipients, and waits until all have their outcome and their mail.
   *
   * A job is made for each 10,000 recipients. A recipient at fault fails alone. Should this be cut off, do the same again:
   * nothing is issued or mailed twice.
   */
  async issueMany(
    templateId: string,
    recipients: Iterable<Recipient>,
    options: IssueOptions & WaitOptions & { onProgress?: (progress: Progress) => void } = {},
  ): Promise<IssueResults> {
    const { onProgress, timeout, pollEvery, idempotencyKey = crypto.randomUUID(), ...rest } = options;
    const deadline = deadlineIn(timeout);
    const parts: Part[] = [];
    let total = 0;
    for (const chunk of split(recipients)) {
      const answer = await this.#issue(templateId, chunk, rest, `${idempotencyKey}-${parts.length + 1}`);
      const part: Part = { offset: total, total: chunk.length };
      parts.push(answer.mode === "async" ? { ...part, jobId: answer.job_id } : { ...part, row: rowOf(answer) });
      total += chunk.length;
    }
    for (const part of parts) {
      const report = (job?: AnyJob) => {
        if (job) part.job = job;
        onProgress?.(progressOf(parts, total));
      };
      if (part.jobId === undefined) report();
      else await this.#follow(part.jobId, deadline, pollEvery, report);
    }
    return new IssueResults(this, parts);
  }

  /**
   * Issues from a file: a spreadsheet, CSV or JSON. Waits for the end of its job.
   *
   * With `dry_run: true` nothing is issued. Throws a `JobFailedError` when the file cannot be used as a whole.
   */
  async upload(
    templateId: string,
    file: Blob | Uint8Array<ArrayBuffer>,
    options: UploadOptions & WaitOptions & { fileName: string; onProgress?: (job: AnyJob) => void },
  ): Promise<Job> {
    const { fileName, onProgress, timeout, pollEvery, ...rest } = options;
    const deadline = deadlineIn(timeout);
    const size = file instanceof Blob ? file.size : file.byteLength;
    const body = { ...rest, template_id: templateId, file_name: fileName, size };
    const { data: announced } = await this.api.POST("/api/v1/uploads", { body });
    const { upload_id, upload } = there(announced);
    // The URL is signed; the key stays here.
    const put = new Request(upload.url, { method: "PUT", headers: upload.headers, body: file });
    await exchange(this.#transport, put, true);
    const params = { path: { upload_id } };
    for (;;) {
      const { data } = await this.api.GET("/api/v1/uploads/{upload_id}", { params });
      const jobId = there(data).job_id;
      if (jobId !== null) return (await this.#follow(jobId, deadline, pollEvery, onProgress)) as Job;
      await pause(pollEvery ?? 1000, deadline, `upload ${upload_id}`);
    }
  }

  /**
   * Follows a job to its end, asking as often as the service says.
   *
   * Throws a `JobFailedError` for a file that cannot be used.
   */
  async wait(jobId: string, options: WaitOptions & { onProgress?: (job: AnyJob) => void } = {}): Promise<AnyJob> {
    return this.#follow(jobId, deadlineIn(options.timeout), options.pollEvery, options.onProgress);
  }

  /** The results of a file, once they are written: its own columns, and what became of each row. */
  async resultsFile(jobId: string, options: WaitOptions & { format?: "csv" | "xlsx" } = {}): Promise<Uint8Array> {
    const deadline = deadlineIn(options.timeout ?? 600_000);
    const params = { path: { job_id: jobId }, query: { format: options.format ?? "csv" } };
    for (;;) {
      try {
        const { data } = await this.api.GET("/api/v1/jobs/{job_id}/results/file", { params });
        // The link is signed; the key stays here.
        const answer = await exchange(this.#transport, new Request(there(data).url), true);
        return new Uint8Array(await answer.arrayBuffer());
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
      await pause(options.pollEvery ?? 1000, deadline, `the results file of job ${jobId}`);
    }
  }

  /** Whether a document, or the credential of an address, holds. */
  async verify(what: Schemas["VerifyRequest"]): Promise<Schemas["Verification"]> {
    return there((await this.api.POST("/api/v1/verify", { body: what })).data);
  }

  /** Revokes a credential for good. */
  async revoke(credentialId: string, reason: string): Promise<Schemas["Credential"]> {
    const params = { path: { credential_id: credentialId } };
    return there((await this.api.POST("/api/v1/credentials/{credential_id}/revoke", { params, body: { reason } })).data);
  }

  /** All credentials, newest first. */
  credentials(query: Query<"/api/v1/credentials"> = {}): AsyncGenerator<Schemas["Credential"] | Schemas["ErasedCredential"]> {
    return through((page) => this.api.GET("/api/v1/credentials", { params: { query: { ...query, ...page } } }));
  }

  /** All jobs, newest first. */
  jobs(): AsyncGenerator<Schemas["AnyJobSummary"]> {
    return through((page) => this.api.GET("/api/v1/jobs", { params: { query: page } }));
  }

  /** The outcomes of a job's rows. */
  jobResults(jobId: string, query: Query<"/api/v1/jobs/{job_id}/results"> = {}): AsyncGenerator<ResultRow> {
    const path = { job_id: jobId };
    return through((page) =>
      this.api.GET("/api/v1/jobs/{job_id}/results", { params: { path, query: { ...query, ...page } } }),
    );
  }

  /** All members. */
  members(): AsyncGenerator<Schemas["Member"]> {
    return through((page) => this.api.GET("/api/v1/members", { params: { query: page } }));
  }

  /** All templates. */
  templates(): AsyncGenerator<Schemas["TemplateSummary"]> {
    return through((page) => this.api.GET("/api/v1/templates", { params: { query: page } }));
  }

  async #issue(templateId: string, recipients: Recipient[], options: IssueOptions, key: string | undefined) {
    const { idempotencyKey: _, ...rest } = options;
    const body = { template_id: templateId, recipients, ...rest };
    const params = key === undefined ? {} : { header: { "Idempotency-Key": key } };
    const answer = there((await this.api.POST("/api/v1/credentials/issue", { params, body })).data);
    if (answer.mode === "dry_run") throw new TypeError("a dry run was not asked for");
    return answer;
  }

  async #follow(
    jobId: string,
    deadline: number | undefined,
    pollEvery: number | undefined,
    onProgress: ((job: AnyJob) => void) | undefined,
  ): Promise<AnyJob> {
    for (;;) {
      const { data, response } = await this.api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: jobId } } });
      const job = there(data);
      onProgress?.(job);
      if (job.status === "FAILURE") throw new JobFailedError(job);
      if (job.status === "SUCCESS") return job;
      await pause(pollEvery ?? readRetryAfter(response.headers) ?? 2000, deadline, `job ${jobId}`);
    }
  }
}

/** The end of `issueMany`: its sums. Iterate over it (`for await`) for a row each recipient, in their order. */
export class IssueResults {
  readonly #client: Unicreda;
  readonly #parts: Part[];

  constructor(client: Unicreda, parts: Part[]) {
    this.#client = client;
    this.#parts = parts;
  }

  /** The jobs, one for each 10,000 recipients; none for a single recipient. */
  get jobs(): AnyJob[] {
    return this.#parts.flatMap((part) => part.job ?? []);
  }

  /** Recipients. */
  get total(): number {
    return this.#parts.reduce((sum, part) => sum + part.total, 0);
  }

  /** Recipients who have their credential, the ones that they had before included. */
  get successful(): number {
    return this.#count("successful", "issued");
  }

  /** Recipients at fault. */
  get failed(): number {
    return this.#count("failed", "failed");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ResultRow> {
    for (const part of this.#parts) {
      if (part.row) yield { ...part.row, row: part.offset + part.row.row };
      if (part.jobId === undefined) continue;
      for await (const row of this.#client.jobResults(part.jobId)) yield { ...row, row: part.offset + row.row };
    }
  }

  #count(member: "successful" | "failed", status: ResultRow["status"]): number {
    const counts = this.#parts.map((part) => {
      if (part.row) return Number(part.row.status === status);
      return (part.job as Job | undefined)?.result?.[member] ?? 0;
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

/** All items of a list, page after page. */
async function* through<Item>(
  read: (page: { limit: number; cursor?: string }) => Promise<{ data?: Page<Item> | string | undefined }>,
): AsyncGenerator<Item> {
  let cursor: string | null | undefined;
  do {
    const page = there((await read({ limit: PAGE, ...(cursor ? { cursor } : {}) })).data);
    if (typeof page === "string") throw new TypeError("CSV was not asked for");
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** The body of an answer: `send` throws whatever is no success. */
function there<T>(data: T | undefined): T {
  if (data === undefined) throw new TypeError("an answer without a body");
  return data;
}

function outcomeOf(answer: Schemas["IssuedAtOnce"] | Schemas["Accepted"]): IssuedCredential | RefusedRecipient {
  const outcome = answer.mode === "sync" ? answer.credentials[0] : undefined;
  return there(outcome);
}

/** The outcome of one recipient as a job would list it. */
function rowOf(answer: Schemas["IssuedAtOnce"]): ResultRow {
  const outcome = outcomeOf(answer);
  const issued = outcome.status === "issued" ? outcome : undefined;
  return {
    row: 1,
    email: outcome.email,
    external_id: outcome.external_id ?? null,
    status: issued ? "issued" : "failed",
    credential_id: issued?.credential_id ?? null,
    credential_url: issued?.credential_url ?? null,
    recipient_type: issued?.recipient_type ?? null,
    duplicate: issued?.duplicate ?? null,
    email_status: issued?.email_status ?? null,
    error: outcome.status === "error" ? outcome.errors.join("; ") : null,
    email_error: null,
    email_detail: null,
    credential_version: null,
  };
}

function progressOf(parts: Part[], total: number): Progress {
  const sum = (count: (part: Part) => number) => parts.reduce((all, part) => all + count(part), 0);
  return {
    total,
    current: sum((part) => (part.row ? 1 : (part.job?.progress.current ?? 0))),
    emailsDone: sum((part) => (part.row ? 1 : ((part.job as Job | undefined)?.progress.emails_done ?? 0))),
  };
}

function deadlineIn(timeout: number | undefined): number | undefined {
  return timeout === undefined ? undefined : Date.now() + timeout;
}

async function pause(milliseconds: number, deadline: number | undefined, what: string): Promise<void> {
  if (deadline !== undefined && Date.now() + milliseconds > deadline) {
    throw new WaitTimeoutError(`${what} has not ended in time`);
  }
  await sleep(milliseconds);
}
