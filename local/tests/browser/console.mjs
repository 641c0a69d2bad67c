// Issues from a file in the console, as a registrar does, and reports the faults on the way.
//
// In: one JSON object on standard input, { site, bucket, key, files: { wrong, good }, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

const { site, bucket, key, files, shots } = JSON.parse(await text(process.stdin));
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

async function open(name, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    // The API answers a wrong key with 401, which the browser logs.
    const expected = message.text().includes("401");
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
  await page.locator("#key").fill("uc_live_demo_nobody_x");
  await page.keyboard.press("Enter");
  await page.locator("#problem:not([hidden])").waitFor();
  run.wrongKey = await page.locator("#problem").innerText();
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
  await page.locator("#choose").waitFor();
  run.keyInPage = (await page.content()).includes(key.slice(-20));
  run.example = await downloaded(page, () => page.locator("#example").click());
  await look(`${name} 2 file`, page);

  // With a wrong file it shows the place of the fault and issues nothing.
  await page.locator("#file").setInputFiles({ name: "mala.csv", mimeType: "text/csv", buffer: Buffer.from(files.wrong) });
  await page.locator("#dry-run").click();
  await page.locator("#problem:not([hidden])").waitFor({ timeout: 60_000 });
  run.refusal = await page.locator("#problem").innerText();
  await look(`${name} 3 refused`, page);

  // With a right file it shows the dry run, then issues.
  await page.locator("#file").setInputFiles({ name: `acta ${n}.csv`, mimeType: "text/csv", buffer: Buffer.from(files.good) });
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  run.sums = await page.locator("#sums li").allInnerTexts();
  run.firstRows = await page.locator("#rows tbody tr").count();
  run.faults = await page.locator("#faults tbody tr").allInnerTexts();
  run.button = await page.locator("#issue").innerText();
  await look(`${name} 4 checked`, page);
  if (await page.locator("#issue").isDisabled()) {
    await page.context().close();
    continue;
  }
  await page.locator("#issue").click();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  run.totals = await page.locator("#totals li").allInnerTexts();
  await look(`${name} 5 issued`, page);
  run.results = await downloaded(page, () => page.locator("#results").click());

  // The address of the console names the job: a reload shows it again.
  await page.reload();
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  await page.locator("#again").click();
  await page.locator("#choose").waitFor();
  run.hash = await page.evaluate(() => location.hash);
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
