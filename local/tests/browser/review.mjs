// Reviews what will be signed in the console: pictures, columns that are assigned, rows that are mended, rows that are pasted,
// very many rows. Reports the faults on the way.
//
// In: one JSON object on standard input, { site, key, template, files: { columns, mended }, books, many, hostile, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";
import { lookInBothSchemes } from "./look.mjs";

const { site, key, template, files, books, many, hostile, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
});

const look = (name, page) => lookInBothSchemes(name, page, { faults, shots });
const desk = { locale: "es-CL", viewport: { width: 1280, height: 900 } };
const phone = { locale: "es-CL", viewport: { width: 390, height: 844 } };

// Keeps what a page uploads: the browser does not tell a test what a file that it sends has in it.
function keepUploads() {
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (body) {
    if (body instanceof Blob) globalThis.uploaded = body;
    return send.call(this, body);
  };
}
const uploaded = (page) =>
  page.evaluate(async () => new TextDecoder("utf-8", { ignoreBOM: true }).decode(await globalThis.uploaded.arrayBuffer()));

async function open(name, options, permissions = []) {
  const context = await browser.newContext({ acceptDownloads: true, permissions, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  page.on("dialog", (dialog) => faults.push(`${name}: a dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    const expected = /\b400\b/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) faults.push(`${name}: console: ${message.text()}`);
  });
  await page.addInitScript(keepUploads);
  await page.goto(`${site}/console`);
  await enter(page);
  return page;
}
async function enter(page) {
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
  await page.locator("#choose").waitFor();
}
const csv = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
const cells = (page, table) =>
  page.locator(`${table} tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
const focused = (page) =>
  page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label")
    || document.activeElement.closest("label")?.firstChild.textContent);
const downloaded = async (page, press) => {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
};
const check = async (page) => {
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
};
const drawn = async (page, count) => {
  await page.locator("#pictures figure").nth(count - 1).waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => [...document.querySelectorAll("#pictures img")].every((image) => image.complete));
  return page.locator("#pictures figure").evaluateAll((all) =>
    all.map((figure) => [figure.innerText, figure.querySelector("img")?.naturalWidth ?? 0]));
};

{
  // Columns are assigned by choosing, and the assignment is kept under a name.
  const page = await open("columns", phone);
  const run = (seen.columns = {});
  const refused = async () => {
    await page.locator("#template").selectOption(template);
    await page.locator("#file").setInputFiles(csv("acta.csv", files.columns));
    await page.locator("#dry-run").click();
    await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  };
  const choices = () => page.locator("#columns-table select").evaluateAll((all) => all.map((select) => select.value));
  await refused();
  await page.locator("#columns-table tbody tr").nth(3).locator("select").selectOption("result_value");
  await page.locator("#assignment-name").fill("Acta de la secretaría");
  await page.keyboard.press("Enter");
  run.kept = await page.locator("#assignment-said").innerText();
  await look("review 1 assigned", page);
  await check(page);
  run.rows = await cells(page, "#rows");
  // Another day, in the same browser.
  await page.reload();
  await enter(page);
  await refused();
  run.before = await choices();
  await page.locator("#assignments").selectOption("Acta de la secretaría");
  run.after = await choices();
  await check(page);
  run.again = await cells(page, "#rows");
  await page.locator("#columns-read summary").click();
  await page.locator("#assignments").selectOption("Acta de la secretaría");
  await page.locator("#forget-assignment").click();
  run.forgotten = await page.evaluate(() => localStorage.getItem("unicreda.columns"));
  await page.context().close();
}

for (const [name, options] of [["desk", desk], ["phone", phone]]) {
  // Rows are mended in place; what is checked and issued is a copy of another name.
  const page = await open(name, options);
  const run = (seen[name] = {});
  await page.locator("#template").selectOption(template);
  await page.locator("#file").setInputFiles(csv("notas.csv", files.mended.replaceAll("{run}", name)));
  await check(page);
  run.pictures = await drawn(page, 2);
  await look(`review 2 ${name}`, page);
  run.faulty = await downloaded(page, () => page.locator("#faulty-file").click());
  // By keyboard: the field that the fault names, then the next row, then what becomes of them.
  const first = page.locator("#faults button.small").first();
  await first.focus();
  await page.keyboard.press("Enter");
  await page.locator("form.mend").waitFor();
  run.focus = [await focused(page)];
  await page.keyboard.press("Escape");
  run.focus.push(await focused(page));
  await page.keyboard.press("Enter");
  await page.locator("form.mend").waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type(`persona-${name}@ejemplo.com`);
  await look(`review 3 ${name} mending`, page);
  await page.keyboard.press("Enter");
  run.focus.push(await focused(page));
  await page.keyboard.press("Enter");
  await page.locator("form.mend").waitFor();
  run.focus.push(await focused(page));
  await page.keyboard.press("Control+A");
  await page.keyboard.type("B");
  await page.keyboard.press("Enter");
  run.focus.push(await focused(page));
  // A row without a fault, too: a name that was wrong.
  await page.locator("#rows button.small").first().click();
  await page.locator("form.mend label", { hasText: "Nombre" }).locator("input").fill("Ana María Soto");
  await page.keyboard.press("Enter");
  run.pending = await page.locator("#mending-count").innerText();
  run.issueDisabled = await page.locator("#issue").isDisabled();
  run.see = await page.locator("#see-copy").innerText();
  await look(`review 4 ${name} mended`, page);
  await page.locator("#see-copy").click();
  await page.waitForFunction(() => document.getElementById("mending").hidden && !document.getElementById("check-result").hidden, undefined, { timeout: 60_000 });
  run.chosen = await page.locator("#chosen").innerText();
  run.facts = await page.locator("#review-facts dd").allInnerTexts();
  run.sums = await page.locator("#sums li").allInnerTexts();
  run.rows = await cells(page, "#rows");
  run.copy = await uploaded(page);
  await page.locator("#issue").click();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  run.issued = (await uploaded(page)) === run.copy;
  run.totals = await page.locator("#totals li").allInnerTexts();
  // The rows at fault, mended elsewhere, are a file like any other.
  await page.locator("#again").click();
  await page.locator("#file").setInputFiles(csv(run.faulty.name, run.faulty.text.replace("invalido@test", `otra-${name}@ejemplo.com`)));
  await check(page);
  run.faultyAgain = await page.locator("#sums li").allInnerTexts();
  await page.context().close();
}

{
  // Rows straight from a sheet.
  const page = await open("paste", desk, ["clipboard-read", "clipboard-write"]);
  const run = (seen.paste = {});
  await page.locator("#template").selectOption(template);
  const paste = async (text) => {
    await page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await page.keyboard.press("Control+V");
  };
  await page.locator("#paste summary").click();
  await page.locator("#pasted").focus();
  await paste("Correo\tNombre\tNota\tEvidencia descripción\tEvidencia url\r\n"
    + "uno@ejemplo.com\tUno\u00a0 Soto\tA\t\"Dos líneas:\nesta dice \"\"hola\"\"\"\thttps://ejemplo.com/1\r\n"
    + "dos@ejemplo.com\t\"Dos Rojas\"\tB\t\t\r\n\t\t\t\t\r\n");
  run.chosen = await page.locator("#chosen").innerText();
  run.focus = await focused(page);
  await look("review 5 pasted", page);
  await check(page);
  run.rows = await cells(page, "#rows");
  run.upload = await uploaded(page);
  // Without a header, anywhere on the page: each column is assigned.
  await page.locator("#check-title").focus();
  await paste("tres@ejemplo.com\tTres Soto\tA\ncuatro@ejemplo.com\tCuatro Soto\tB\n");
  await page.locator("#dry-run").click();
  await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  for (const [at, to] of ["email", "recipient_name", "result_value"].entries()) {
    await page.locator("#columns-table tbody tr").nth(at).locator("select").selectOption(to);
  }
  await check(page);
  run.headless = await cells(page, "#rows");
  // Cells that would harm: text, and judged as in a file.
  const judged = async () => {
    await page.locator("#dry-run").click();
    await page.locator("#check-result:not([hidden]), #problem:not([hidden])").first().waitFor({ timeout: 60_000 });
    return [
      await page.locator("#problem").innerText(), await cells(page, "#rows"), await cells(page, "#faults"),
      await page.locator("#check-result :is(a[href^=http], script, img:not(#pictures img), b)").count(),
    ];
  };
  const grid = [["Correo", "Nombre", "Nota"], ...hostile.map((cell, n) => [`h${n}@ejemplo.com`, cell, "A"])];
  const quote = (cell, special) => (special.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = (separator, special) => grid.map((row) => row.map((cell) => quote(cell, special)).join(separator)).join("\r\n");
  await page.locator("#check-title").focus();
  await paste(lines("\t", /[\t\r\n]/));
  run.hostile = await judged();
  await look("review 6 hostile", page);
  await page.locator("#file").setInputFiles(csv("archivo.csv", lines(",", /[",\r\n]/)));
  run.hostileFile = await judged();
  // A zero byte makes a file that is no text.
  const nul = `Correo\tNombre\tNota\nx@ejemplo.com\tA\u0000na\tA\n`;
  await page.locator("#pasted").evaluate((field, text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, nul);
  run.nul = await judged();
  await page.locator("#file").setInputFiles(csv("archivo.csv", nul.replaceAll("\t", ",")));
  run.nulFile = await judged();
  await page.context().close();
}

for (const [name, options] of [["sheets", desk], ["sheetsOnPhone", phone]]) {
  // A spreadsheet of several sheets, one of them with hidden rows: the console asks, and says both with the upload. A row of it is
  // mended in a copy that is no spreadsheet any more.
  const page = await open(name, options);
  const run = (seen[name] = { said: [] });
  page.on("request", (request) => {
    if (!/\/uploads$/.test(request.url()) || request.method() !== "POST") return;
    const { sheet, hidden_rows } = request.postDataJSON();
    run.said.push([sheet ?? null, hidden_rows ?? null]);
  });
  await page.locator("#template").selectOption(template);
  await page.locator("#file").setInputFiles({ name: "acta.xlsx", mimeType: "application/vnd.ms-excel", buffer: Buffer.from(books[name], "base64") });
  await page.locator("#dry-run").click();
  await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  run.asked = [await page.locator("#problem").innerText(), await page.locator("#hidden-choice").isVisible(), await page.locator("#sheet").inputValue()];
  await look(`review 8 ${name} asked`, page);
  await page.locator("#hidden-choice input[value=skip]").check();
  await check(page);
  run.seen = [await page.locator("#sheet").inputValue(), await page.locator("#sums li").allInnerTexts()];
  await page.locator("#sheet").selectOption("Acta 2");
  run.forgotten = [await page.locator("#check").isVisible(), await page.locator("#hidden-choice").isVisible()];
  await check(page);
  await drawn(page, 1);
  await look(`review 9 ${name} read`, page);
  run.read = await page.locator("#guesses").innerText();
  run.targets = await page.locator("#columns-read select").first().locator("option").evaluateAll((all) => all.map((one) => one.value));
  await page.locator("#faults button.small").click();
  await page.locator("form.mend").waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type(`mal-${name}@ejemplo.com`);
  await look(`review 10 ${name} mending`, page);
  await page.keyboard.press("Enter");
  run.see = await page.locator("#see-copy").innerText();
  await page.locator("#see-copy").click();
  await page.waitForFunction(() => document.getElementById("mending").hidden && !document.getElementById("check-result").hidden, undefined, { timeout: 60_000 });
  run.copy = await uploaded(page);
  await look(`review 11 ${name} mended`, page);
  await page.locator("#issue").click();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  run.issued = (await uploaded(page)) === run.copy;
  run.totals = await page.locator("#totals li").allInnerTexts();
  await look(`review 12 ${name} issued`, page);
  await page.context().close();
}

{
  // Very many rows: as many elements as of few, page after page.
  const page = await open("many", desk);
  const run = (seen.many = {});
  const elements = () => page.evaluate(() => document.querySelectorAll("*").length);
  await page.locator("#template").selectOption(template);
  await page.locator("#file").setInputFiles(csv("cien.csv", many.split("\n").slice(0, 101).join("\n")));
  await check(page);
  await drawn(page, 2);
  run.few = await elements();
  await page.locator("#file").setInputFiles(csv("todas.csv", many));
  let ended = 0;
  page.on("response", async (response) => {
    if (!ended && /\/jobs\/[0-9a-f-]{36}$/.test(response.url()) && /"SUCCESS"/.test(await response.text().catch(() => ""))) ended = Date.now();
  });
  const began = Date.now();
  await page.locator("#dry-run").click();
  await page.locator("#rows tbody tr").first().waitFor({ timeout: 300_000 });
  run.seconds = { all: (Date.now() - began) / 1000, afterTheJob: (Date.now() - ended) / 1000 };
  run.pictures = await drawn(page, 2);
  run.seconds.pictures = (Date.now() - began) / 1000;
  run.many = await elements();
  run.place = await page.locator("#rows-pages span").innerText();
  const next = page.locator("#rows-pages button").last();
  for (let n = 0; n < 30; n++) {
    await next.click();
    await page.waitForFunction((at) => document.querySelector("#rows td").textContent === at, new Intl.NumberFormat("es").format((n + 1) * 50 + 2));
  }
  run.turned = await page.locator("#rows-pages span").innerText();
  run.after = await elements();
  run.focus = await page.evaluate(() => document.activeElement.textContent);
  // The longest task of the page while it scrolls from end to end, in milliseconds.
  run.scroll = await page.evaluate(() => new Promise((done) => {
    let [longest, last, step] = [0, performance.now(), 0];
    const frame = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      scrollTo(0, (step++ / 60) * document.body.scrollHeight);
      if (step > 60) done(longest);
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }));
  await page.evaluate(() => scrollTo(0, 0));
  await look("review 7 many", page);
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
