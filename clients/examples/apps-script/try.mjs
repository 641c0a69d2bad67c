// Runs issue.gs under Node on a sheet in memory, against a running stack: BASE_URL, API_KEY and TEMPLATE_ID say which.
// The services of Google that it uses are stand-ins of the same names, arguments and errors. In: the sheet, a list of
// rows, as the only argument, dates as {"date": "2026-11-15"}; BREAK=n breaks the connection off after the first n
// answers to POST. Out: the sheet afterwards, the keys of the POSTs and the waits, as JSON.

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import vm from "node:vm";

const values = JSON.parse(process.argv[2], (_, it) => (it?.date ? new Date(`${it.date}T12:00:00Z`) : it));
const keys = [];
const waits = [];
let breaks = Number(process.env.BREAK ?? 0);

/** A range of the sheet; rows and columns count from 1, and writing needs as many values as cells. */
class Range {
  constructor(row, column, rows, columns) {
    if (!(row >= 1 && column >= 1 && rows >= 1 && columns >= 1)) throw new Error("The coordinates are outside the sheet.");
    Object.assign(this, { row, column, rows, columns });
  }

  getValues() {
    const rows = Array.from({ length: this.rows }, (_, r) => values[this.row - 1 + r] ?? []);
    return rows.map((row) => Array.from({ length: this.columns }, (_, c) => row[this.column - 1 + c] ?? ""));
  }

  setValues(given) {
    if (given.length !== this.rows || given.some((row) => row.length !== this.columns)) {
      throw new Error("The number of rows or columns in the data does not match the range.");
    }
    given.forEach((row, r) => row.forEach((value, c) => ((values[this.row - 1 + r] ??= [])[this.column - 1 + c] = value)));
    return this;
  }
}

const sheet = {
  getLastRow: () => values.length,
  getLastColumn: () => Math.max(...values.map((row) => row.length)),
  getRange: (row, column, rows = 1, columns = 1) => new Range(row, column, rows, columns),
  getDataRange: () => new Range(1, 1, sheet.getLastRow(), sheet.getLastColumn()),
};

/** One request, waited for: `fetch` of Apps Script returns when the answer is there. */
const FETCH = `
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { url, method, headers, body } = JSON.parse(Buffer.concat(chunks));
  const answer = await fetch(url, { method, headers, body });
  process.stdout.write(JSON.stringify({ status: answer.status, text: await answer.text() }));
`;

function fetchAndWait(url, options = {}) {
  const known = ["method", "headers", "muteHttpExceptions", "contentType", "payload"];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown) throw new Error(`Attribute provided with no value: ${unknown}`);
  const method = (options.method ?? "get").toUpperCase();
  const headers = { ...options.headers, ...(options.contentType ? { "Content-Type": options.contentType } : {}) };
  if (method === "POST") keys.push(headers["Idempotency-Key"] ?? null);
  const input = JSON.stringify({ url, method, headers, body: options.payload });
  const answer = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", FETCH], { input }));
  if (method === "POST" && breaks-- > 0) throw new Error(`Exception: Address unavailable: ${url}`);
  if (answer.status >= 400 && !options.muteHttpExceptions) {
    throw new Error(`Request failed for ${url} returned code ${answer.status}.`);
  }
  return { getResponseCode: () => answer.status, getContentText: () => answer.text };
}

const menu = { addItem: (_, name) => (menu.names.push(name), menu), addToUi: () => {}, names: [] };
const google = {
  SpreadsheetApp: {
    getActiveSheet: () => sheet,
    getActive: () => ({ toast: () => {}, getSpreadsheetTimeZone: () => "America/Santiago" }),
    getUi: () => ({ createMenu: () => menu }),
  },
  UrlFetchApp: { fetch: fetchAndWait },
  PropertiesService: { getScriptProperties: () => ({ getProperty: (name) => process.env[name] ?? null }) },
  LockService: { getDocumentLock: () => ({ tryLock: () => true, releaseLock: () => {} }) },
  Utilities: {
    getUuid: () => randomUUID(),
    // Waits are noted, and made short.
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    },
    formatDate: (date, timeZone, format) => {
      if (format !== "yyyy-MM-dd") throw new Error(`a format that the stand-in does not know: ${format}`);
      return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(date);
    },
  },
  // In Apps Script, dates are of the script's own realm.
  Date,
};

const context = vm.createContext(google);
vm.runInContext(readFileSync(new URL("issue.gs", import.meta.url), "utf8"), context);
context.onOpen();
for (const name of menu.names) context[name]();
console.log(JSON.stringify({ values, keys, waits }));
