/** The main job against a running stack. BASE_URL and API_KEY say where; prints OK. */

import assert from "node:assert/strict";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import {
  AuthenticationError,
  ConflictError,
  ConnectionFailedError,
  IdempotencyMismatchError,
  InvalidRequestError,
  JobFailedError,
  NotFoundError,
  PermissionDeniedError,
  RecipientRefusedError,
  Unicreda,
  type Progress,
  type Recipient,
} from "unicreda";

import { split } from "../src/split.js";

const { BASE_URL: baseUrl = "", API_KEY: apiKey = "" } = process.env;
const site = baseUrl.replace(/\/api\/v1$/, "");
const pollEvery = 50;
const nowhere = "00000000-0000-4000-8000-000000000000";

function person(number: number, kind: string, result = "A"): Recipient {
  return {
    email: `${kind}${number}@ejemplo.com`,
    recipient_name: `Ñandú Pérez ${kind} ${number}`,
    result_value: result,
  };
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A proxy that breaks off its first answers to POST in their midst, as a network does. */
async function cuttingProxy(cuts: number) {
  const keys: (string | undefined)[] = [];
  const proxy = { keys, cuts, url: "", close: () => server.close() };
  const forward = (from: IncomingMessage, to: ServerResponse) => {
    if (from.method === "POST") keys.push(from.headers["idempotency-key"] as string | undefined);
    const { method, headers } = from;
    const onward = request(new URL(from.url ?? "/", site), { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const content = Buffer.concat(chunks);
        const type = answer.headers["content-type"] ?? "";
        to.writeHead(answer.statusCode ?? 500, { "Content-Type": type, "Content-Length": content.length });
        if (method !== "POST" || proxy.cuts === 0) return to.end(content);
        proxy.cuts -= 1;
        return to.write(content.subarray(0, content.length / 2), () => to.destroy());
      });
    });
    from.pipe(onward);
  };
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

async function mainJob(client: Unicreda, template: string) {
  // One.
  const issued = await client.issue(template, person(1, "uno"));
  assert.equal(issued.duplicate, false);
  assert.equal((await client.issue(template, person(1, "uno"))).credential_id, issued.credential_id);

  // Many, one of them at fault.
  const seen: Progress[] = [];
  const recipients = [...count(30).map((n) => person(n, "muchos")), person(31, "muchos", "Z")];
  const onProgress = (progress: Progress) => seen.push(progress);
  const results = await client.issueMany(template, recipients, { onProgress, pollEvery });
  assert.deepEqual([results.total, results.successful, results.failed], [31, 30, 1]);
  assert.deepEqual(seen.at(-1), { total: 31, current: 31, emailsDone: 30 });
  const rows = await all(results);
  assert.deepEqual(rows.map((row) => row.row), count(31));
  assert.equal(rows.filter((row) => row.status === "issued").length, 30);
  // A single recipient has the same kind of results.
  const single = await client.issueMany(template, [person(1, "uno")]);
  assert.deepEqual([single.total, single.successful, single.failed], [1, 1, 0]);
  assert.equal((await all(single))[0]?.credential_id, issued.credential_id);

  // A file.
  const lines = count(10).map((n) => `archivo${n}@ejemplo.com,Ana Núñez ${n},B\n`);
  const file = new Blob(["email,recipient_name,result_value\n", ...lines]);
  const foreseen = await client.upload(template, file, { fileName: "notas.csv", dry_run: true, pollEvery });
  assert.equal(foreseen.dry_run, true);
  const job = await client.upload(template, file, { fileName: "notas.csv", pollEvery });
  assert.equal(job.result?.successful, 10);
  assert.equal((await client.wait(job.job_id)).job_id, job.job_id);
  const text = new TextDecoder().decode(await client.resultsFile(job.job_id, { pollEvery }));
  assert.equal(text.split("issued").length - 1, 10);
  const bad = new TextEncoder().encode("nombre\nAna\n");
  await assert.rejects(client.upload(template, bad, { fileName: "notas.csv", pollEvery }), (error) => {
    assert(error instanceof JobFailedError);
    return error.code === "missing_column";
  });

  // Iterators.
  const listed = await all(client.credentials({ template_id: template }));
  assert.equal(new Set(listed.map((it) => it.credential_id)).size, 41);
  assert.equal((await all(client.jobResults(job.job_id, { status: "issued" }))).length, 10);
  assert((await all(client.templates())).some((it) => it.id === template));
  assert((await all(client.jobs())).some((it) => it.job_id === job.job_id));

  // Verify, revoke.
  assert.equal((await client.verify({ url: issued.credential_url })).verified, true);
  assert.equal((await client.revoke(issued.credential_id, "prueba")).status, "revoked");
  assert.equal((await client.verify({ url: issued.credential_url })).verified, false);
  return issued.credential_id;
}

async function errors(client: Unicreda, template: string, revoked: string) {
  await assert.rejects(client.issue(template, { ...person(1, "x"), email: "invalido@test" }), (error) => {
    assert(error instanceof RecipientRefusedError);
    assert.deepEqual([error.codes, error.errors], [["invalid_email"], ["Invalid email: invalido@test"]]);
    return true;
  });
  const params = { path: { credential_id: nowhere } };
  await assert.rejects(client.api.GET("/api/v1/credentials/{credential_id}", { params }), (error) => {
    assert(error instanceof NotFoundError);
    assert.deepEqual([error.status, error.code, error.name], [404, "not_found", "NotFoundError"]);
    assert(error.requestId);
    return true;
  });
  await assert.rejects(client.issueMany("x", [{ ...person(1, "x") }]), (error) => {
    assert(error instanceof InvalidRequestError);
    assert.deepEqual(error.errors.map((it) => it.pointer), ["/template_id"]);
    return true;
  });
  const suspended = client.api.POST("/api/v1/credentials/{credential_id}/suspend", {
    params: { path: { credential_id: revoked } },
    body: { reason: "tarde" },
  });
  await assert.rejects(suspended, ConflictError);
  await assert.rejects(client.api.GET("/api/v1/api-keys"), PermissionDeniedError);
  await assert.rejects(all(new Unicreda({ baseUrl, apiKey: "uc_live_demo_x" }).jobs()), AuthenticationError);
  const idempotencyKey = crypto.randomUUID();
  await client.issue(template, person(2, "llave"), { idempotencyKey });
  await assert.rejects(client.issue(template, person(3, "llave"), { idempotencyKey }), IdempotencyMismatchError);
  const nobody = new Unicreda({ baseUrl: "http://127.0.0.1:9", apiKey, retries: 0 });
  await assert.rejects(all(nobody.jobs()), ConnectionFailedError);
}

/** An answer that breaks off is asked for again with the same key, and nothing is issued twice. */
async function cut(template: string, key: string) {
  const proxy = await cuttingProxy(2);
  const client = new Unicreda({ baseUrl: proxy.url, apiKey: key });
  const issued = await client.issue(template, person(1, "cortado"));
  // The first answer, byte for byte: another key would have found a duplicate.
  assert.equal(issued.duplicate, false);
  assert.equal(proxy.keys.length, 3);
  assert.equal(new Set(proxy.keys).size, 1);
  assert(proxy.keys[0]);
  const before = (await all(client.jobs())).length;
  proxy.cuts = 1;
  const results = await client.issueMany(template, count(3).map((n) => person(n, "trabajo")), { pollEvery });
  assert.deepEqual([results.successful, (await all(client.jobs())).length], [3, before + 1]);
  assert((await all(results)).every((row) => row.duplicate === false));
  // What has no key is not sent again.
  proxy.cuts = 1;
  const sent = proxy.keys.length;
  const params = { path: { credential_id: issued.credential_id } };
  await assert.rejects(client.api.POST("/api/v1/credentials/{credential_id}/resend", { params }), ConnectionFailedError);
  assert.equal(proxy.keys.length, sent + 1);
  proxy.close();
}

/** As many recipients at once as a request takes: 10,000, and what fits its 4 MiB. */
function parts() {
  const lengths = (recipients: Recipient[]) => [...split(recipients)].map((chunk) => chunk.length);
  assert.deepEqual(lengths([]), []);
  assert.deepEqual(lengths(count(10_001).map((n) => person(n, "a"))), [10_000, 1]);
  const large = lengths(count(300).map((n) => ({ ...person(n, "b"), role: "ñ".repeat(8000) })));
  assert.equal(large.length, 2);
  assert((large[0] ?? 0) * 16_000 < 4 * 1024 * 1024);
}

parts();
const admin = new Unicreda({ baseUrl, apiKey });
const { data: key } = await admin.api.POST("/api/v1/api-keys", {
  body: { name: "cliente", scopes: ["issue", "read", "catalog", "manage"] },
});
const { data: template } = await admin.api.POST("/api/v1/templates", {
  body: {
    name: "Redes I",
    description: "Fundamentos de redes.",
    fields: [
      { name: "recipient_name", required: true },
      { name: "result_value", required: true, allowed_values: ["A", "B"] },
    ],
  },
});
assert(key && template);
const client = new Unicreda({ baseUrl: site, apiKey: key.key, language: "en" });
const revoked = await mainJob(client, template.id);
await errors(client, template.id, revoked);
await cut(template.id, key.key);
console.log("OK");
