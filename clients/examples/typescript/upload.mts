/**
 * Issues from a file of any kind that the service reads: a spreadsheet, CSV or JSON.
 *
 *     node upload.mjs notas.xlsx
 *
 * BASE_URL, API_KEY and TEMPLATE_ID come from the environment. The file is looked through first (`dry_run`); if a row of it is
 * at fault, nothing is issued.
 */

import { openAsBlob } from "node:fs";
import { basename } from "node:path";

import { JobFailedError, Unicreda } from "unicreda";

const { BASE_URL = "", API_KEY = "", TEMPLATE_ID = "" } = process.env;
const [path = ""] = process.argv.slice(2);
const client = new Unicreda({ baseUrl: BASE_URL, apiKey: API_KEY, language: "en" });
const file = await openAsBlob(path);
const fileName = basename(path);

try {
  const foreseen = await client.upload(TEMPLATE_ID, file, { fileName, dry_run: true });
  for (const { line, email, error } of foreseen.result?.errors ?? []) console.log(`line ${line}, ${email}: ${error}`);
  if (foreseen.result?.failed) {
    process.exitCode = 1;
  } else {
    const job = await client.upload(TEMPLATE_ID, file, {
      fileName,
      onProgress: ({ progress }) => console.log(progress.status),
    });
    for await (const row of client.jobResults(job.job_id)) console.log(row.email, row.credential_url);
  }
} catch (error) {
  if (!(error instanceof JobFailedError)) throw error;
  // The file cannot be used as a whole; the text says what to do.
  console.log(error.message);
  process.exitCode = 1;
}
