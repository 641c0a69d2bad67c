// Issues from a file in the console, as a registrar does, and reports the faults on the way.
//
// In: one JSON object on standard input,
// { site, bucket, key, narrow, closed, test, template, files: { wrong, good, unsure }, folder, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { createRequire } from "node:module";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

const { site, bucket, key, narrow, closed, test, template, files, folder, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = { runs: {} };
const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
});

async function look(name, page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const { id, nodes } of violations) {
    faults.push(`${name}: axe ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
  }
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
    faults.push(`${name}: scrolls sideways`);
  }
  if (shots) await page.screenshot({ path: `${shots}/${name.replaceAll(/\W+/g, "-")}.png`, fullPage: true });
}

const csv = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text, "latin1") });

// The texts of a table's cells.
const cells = (page, table) =>
  page.locator(`${table} tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));

async function enter(page, key) {
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
}

async function open(name, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    // The API answers a wrong key with 401 and a closed one with 403, and with 400 where the page asks
    // whether a key manages; a lost connection and a file that another program saved are part of the
    // test: the browser logs all of them.
    const expected = /\b40[013]\b|ERR_INTERNET_DISCONNECTED|ERR_UPLOAD_FILE_CHANGED/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) {
      faults.push(`${name}: console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  page.on("request", (request) => {
    const to = request.url();
    const ours = [site, bucket, "blob:", "data:"].some((start) => to.startsWith(start));
    if (!ours) faults.push(`${name}: asks ${to}`);
  });
  await page.goto(`${site}/console`);
  return page;
}

const downloaded = async (page, press) => {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
};

const people = [
  { name: "desk", options: { locale: "es-CL", viewport: { width: 1280, height: 900 } } },
  { name: "phone, dark", options: { locale: "es-CL", viewport: { width: 360, height: 800 }, colorScheme: "dark" } },
  { name: "English", options: { locale: "en-GB", viewport: { width: 320, height: 800 } } },
];
for (const [n, { name, options }] of people.entries()) {
  const page = await open(name, options);
  const run = (seen.runs[name] = {});
  await look(`${name} 1 key`, page);

  // With a wrong key the console shows the problem and asks again.
  await enter(page, "uc_live_demo_nobody_x");
  await page.locator("#problem:not([hidden])").waitFor();
  run.wrongKey = await page.locator("#problem").innerText();
  await enter(page, key);
  await page.locator("#choose").waitFor();
  run.keyInPage = (await page.content()).includes(key.slice(-20));
  run.preselected = await page.locator("#template").inputValue();
  run.templates = await page.locator("#template option").allInnerTexts();
  await look(`${name} 2 templates`, page);
  await page.locator("#template").selectOption(template);
  run.example = await downloaded(page, () => page.locator("#example").click());

  // With a wrong file it shows the place of the fault and issues nothing.
  await page.locator("#file").setInputFiles(csv("mala.csv", files.wrong));
  await page.locator("#dry-run").click();
  await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  run.refusal = await page.locator("#problem").innerText();
  await look(`${name} 3 refused`, page);

  // With a right file it shows what would be issued, then issues it. A keyboard is enough.
  await page.locator("#file").setInputFiles(csv(`acta ${n}.csv`, files.good));
  // The same name chosen again is a change only where the input holds none.
  run.emptied = await page.locator("#file").inputValue();
  await page.locator("#dry-run").focus();
  await page.keyboard.press("Enter");
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  await page.locator("#faults tbody tr").first().waitFor();
  run.focused = await page.evaluate(() => document.activeElement.id);
  run.inView = await page.evaluate(() => {
    const { top } = document.getElementById("check-title").getBoundingClientRect();
    return top >= 0 && top < innerHeight;
  });
  run.facts = await page.locator("#review-facts dd").allInnerTexts();
  run.guesses = await page.locator("#guesses p").allInnerTexts();
  run.sums = await page.locator("#sums li").allInnerTexts();
  run.heads = await page.locator("#rows th").allInnerTexts();
  run.rows = await cells(page, "#rows");
  run.faults = await cells(page, "#faults");
  run.button = await page.locator("#issue").innerText();
  await look(`${name} 4 checked`, page);
  if (await page.locator("#issue").isDisabled()) {
    await page.context().close();
    continue;
  }

  // Another language keeps key, file and review.
  await page.locator('.langs a[hreflang="en"]').click();
  run.switched = [
    await page.evaluate(() => [document.documentElement.lang, document.title, location.search].join()),
    await page.locator("#check-title").innerText(),
    await page.locator("#chosen").innerText(),
    await page.locator("#issue").innerText(),
  ];
  await look(`${name} 5 switched`, page);
  await page.locator('.langs a[hreflang="es"]').click();
  await page.locator("#issue").dblclick();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  run.totals = await page.locator("#totals li").allInnerTexts();
  await look(`${name} 6 issued`, page);
  run.results = await downloaded(page, () => page.locator("#results").click());
  // All certificates in one archive.
  await page.locator("#print").click();
  await page.locator("#print-files button").waitFor({ timeout: 60_000 });
  run.printed = (await page.locator("#print-status").textContent()).trim();
  run.prints = (await downloaded(page, () => page.locator("#print-files button").click())).name;
  await look(`${name} 7 certificates`, page);

  // The address of the console names the job: a reload shows it again.
  await page.reload();
  await enter(page, key);
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  await page.locator("#again").click();
  await page.locator("#choose").waitFor();
  run.hash = await page.evaluate(() => location.hash);
  await page.context().close();
}

// What people do besides. Each gives what the page says.
const odd = (seen.odd = {});
const problem = async (page) => {
  await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  return page.locator("#problem").innerText();
};
const reviewed = async (page, chosen) => {
  await page.locator("#template").selectOption(template);
  await page.locator("#file").setInputFiles(chosen);
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
};
const phone = { locale: "es-CL", viewport: { width: 360, height: 800 } };

{
  const page = await open("a closed key", phone);
  await enter(page, `${key}…`);
  odd.keyCutShort = await problem(page);
  await enter(page, closed);
  await page.waitForFunction((before) => {
    const now = document.getElementById("problem").textContent;
    return now && now !== before;
  }, odd.keyCutShort);
  odd.closedKey = await problem(page);
  await page.context().close();
}
{
  // A key without `manage` does all of it, in test mode as well.
  const page = await open("a changed file", phone);
  await enter(page, narrow);
  const path = `${folder}/acta.csv`;
  writeFileSync(path, "Correo;Nombre;Nota\nnueva@ejemplo.com;Nueva Soto;A\n");
  await reviewed(page, path);
  odd.oneRow = await page.locator("#issue").innerText();
  writeFileSync(path, "Correo;Nombre;Nota\nnueva@ejemplo.com;Nueva Pinto;A\n");
  await page.locator("#issue").click();
  odd.changed = await problem(page);
  odd.changedChosen = await page.locator("#chosen").innerText();
  odd.changedReview = await page.locator("#check").isVisible();
  await look("odd 1 changed", page);
  // Chosen again and reviewed again, it is issued as it is now.
  await reviewed(page, path);
  odd.again = await cells(page, "#rows");
  // The mail box and another template after the review.
  await page.locator("#mail").uncheck();
  odd.facts = await page.locator("#review-facts dd").allInnerTexts();
  await page.locator("#template").selectOption({ index: 2 });
  odd.otherTemplate = await page.locator("#check").isVisible();
  await page.locator("#file").setInputFiles(path);
  rmSync(path);
  await page.locator("#template").selectOption(template);
  await page.locator("#dry-run").click();
  odd.gone = await problem(page);
  // Letters that could be several.
  await page.locator("#file").setInputFiles(csv("dudosa.csv", files.unsure));
  await page.locator("#dry-run").click();
  await page.locator("#readings-list button").first().waitFor({ timeout: 60_000 });
  odd.unsure = await problem(page);
  odd.readings = await page.locator("#readings-list button").allInnerTexts();
  await look("odd 2 readings", page);
  await page.locator("#readings-list button").first().click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  odd.chosenReading = await cells(page, "#rows");
  // Columns that nobody knows: the registrar says what they are.
  await page.locator("#file").setInputFiles(csv("columnas.csv", files.columns));
  await page.locator("#dry-run").click();
  odd.columns = await problem(page);
  odd.columnsRead = await cells(page, "#columns-table");
  odd.suggested = await page.locator("#columns-table select").evaluateAll((all) => all.map((select) => select.value));
  await look("odd 2 columns", page);
  const quality = page.locator("#columns-table tbody tr").nth(3).locator("select");
  await quality.selectOption("result_value");
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  odd.columnsSaid = await cells(page, "#rows");
  await look("odd 2 columns said", page);
  // Dates that nothing in the file decides: the registrar says that the day comes first.
  await page.locator("#file").setInputFiles(csv("fechas.csv", files.dates));
  await page.locator("#dry-run").click();
  odd.dates = await problem(page);
  await look("odd 2 dates", page);
  await page.locator("#day-first").check();
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  odd.datesSaid = await cells(page, "#rows");
  await page.locator("#file").setInputFiles(csv("dudosa.csv", files.unsure));
  odd.dayFirstKept = await page.locator("#day-first").isChecked();
  await page.locator("#dry-run").click();
  await page.locator("#readings-list button").first().click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  // A connection that is lost, and comes back.
  await page.context().setOffline(true);
  await page.locator("#dry-run").click();
  odd.offline = await problem(page);
  await look("odd 3 offline", page);
  await page.context().setOffline(false);
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  odd.online = await page.locator("#problem").isVisible();
  // Away and back: the key is asked for again.
  await page.goto(`${site}/`);
  await page.goBack();
  await page.locator("#key").waitFor();
  odd.back = await page.locator("#choose").isVisible();
  await page.context().close();
}
{
  // Warnings of whatever kind, beside a job that a program started.
  const page = await open("warnings", { ...phone, colorScheme: "dark" });
  await page.route(/\/api\/v1\/jobs\/[0-9a-f-]{36}$/, async (route) => {
    const answer = await route.fetch();
    const job = await answer.json();
    if (job.result) {
      job.warnings = [
        { kind: "of_tomorrow", count: 120, rows: [1, 2], lines: [4, 1005], text: "Mañana (línea 4 «2099-01-01»)" },
        { kind: "nan", count: 1, rows: [3], text: "Nombres que son «nan»" },
        { kind: "guessed_encoding", count: 14, rows: [], text: "Supuesta" },
      ];
    }
    await route.fulfill({ response: answer, json: job });
  });
  await enter(page, test);
  await reviewed(page, csv("acta.csv", files.good));
  odd.testButton = await page.locator("#issue").innerText();
  odd.warnings = await cells(page, "#warnings");
  await look("odd 4 warnings", page);
  await page.context().close();
}
{
  // Rows that name what was issued and say something else of it: corrected, once each change was seen.
  const page = await open("corrections", { ...phone, colorScheme: "dark" });
  await enter(page, narrow);
  const chosen = csv("resultados.csv", files.corrections);
  await reviewed(page, chosen);
  odd.otherContent = await cells(page, "#faults");
  odd.offer = await page.locator("#offer").innerText();
  odd.withoutCorrecting = await page.locator("#issue").innerText();
  await look("odd 6 offered", page);
  await page.locator("#see-corrections").click();
  odd.noManage = await problem(page);
  odd.correctKept = [await page.locator("#correct").isVisible(), await page.locator("#correct").isChecked()];
  await look("odd 6 no scope", page);
  await page.reload();
  await enter(page, key);
  await reviewed(page, chosen);
  await page.locator("#see-corrections").click();
  await page.locator("#corrections tbody tr").first().waitFor({ timeout: 60_000 });
  odd.corrections = await cells(page, "#corrections");
  odd.correctionSums = await page.locator("#sums li").allInnerTexts();
  odd.correctionRows = await cells(page, "#rows");
  odd.offerAgain = await page.locator("#offer").isVisible();
  odd.correctButton = await page.locator("#issue").innerText();
  await look("odd 7 corrections", page);
  await page.setViewportSize({ width: 1280, height: 900 });
  await look("odd 7 corrections, desk", page);
  await page.locator("#issue").click();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  odd.correctedTotals = await page.locator("#totals li").allInnerTexts();
  // Another file is no file of corrections.
  await page.locator("#again").click();
  await reviewed(page, chosen);
  odd.correctAgain = [await page.locator("#offer").isVisible(), await page.locator("#correct").isChecked()];
  await page.locator("#correct").check();
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  odd.nothingLeft = await page.locator("#issue").innerText();
  await page.context().close();
}
for (const [name, count] of [["none", 0], ["many", 300]]) {
  const page = await open(`${name} templates`, phone);
  await page.route(/\/api\/v1\/templates\?/, async (route) => {
    const answer = await route.fetch();
    const [first] = (await answer.json()).items;
    const items = Array.from({ length: count }, (_, n) => ({
      ...first, id: `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`,
    }));
    await route.fulfill({ response: answer, json: { items, next_cursor: null } });
  });
  await enter(page, key);
  await page.locator("#choose").waitFor();
  odd[name] = {
    problem: await page.locator("#problem").innerText(),
    options: new Set(await page.locator("#template option").allInnerTexts()).size,
    ready: await page.locator("#dry-run").isEnabled(),
  };
  await look(`odd 5 ${name}`, page);
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
