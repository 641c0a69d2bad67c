// Gives a person their data and erases them in the console, and reports the faults on the way.
//
// In: one JSON object on standard input, { site, key, narrow, test, people: [{ run, email, one }], shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";
import { lookInBothSchemes } from "./look.mjs";

const { site, key, narrow, test, people, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
});

const look = (name, page) => lookInBothSchemes(name, page, { faults, shots });

async function open(name, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  await page.goto(`${site}/console`);
  return page;
}

async function enter(page, key) {
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
  await page.locator("#choose").waitFor();
}

const focused = (page) => page.evaluate(() => document.activeElement.id);
const said = (page, id) => page.locator(id).innerText();
// Pixels between a field and the alert about it.
const apart = (page, field) => page.evaluate((id) => {
  const [one, alert] = [id, `${id}-problem`].map((each) => document.getElementById(each).getBoundingClientRect());
  return Math.round(alert.top - one.bottom);
}, field);
const ended = async (page) => {
  await page.locator("#person-bar").waitFor({ state: "hidden", timeout: 60_000 });
  await page.locator("#person-see:enabled").waitFor();
};
const visible = (page, id) => page.locator(id).isVisible();

const options = {
  desk: { locale: "es-CL", viewport: { width: 1280, height: 900 } },
  phone: { locale: "es-CL", viewport: { width: 360, height: 800 } },
};
for (const { run: name, email, one } of people) {
  const run = (seen[name] = {});
  const page = await open(name, options[name]);
  await enter(page, key);
  await page.locator("#personal:not([hidden])").waitFor();
  // It is folded, and the work of the day keeps the focus.
  run.folded = !(await visible(page, "#person"));
  run.undisturbed = !(await focused(page)).startsWith("person");
  await page.locator("#personal summary").click();
  await page.locator("#person").fill("nadie");
  await page.keyboard.press("Enter");
  run.wrong = await said(page, "#person-problem");
  run.apart = [await apart(page, "person")];
  // One credential alone.
  await page.locator("#person").fill(one);
  await page.keyboard.press("Enter");
  await page.locator("#person-held").waitFor();
  run.one = [await said(page, "#person-besides"), await visible(page, "#person-export")];
  await page.locator("#person-begin").click();
  run.oneButton = await said(page, "#erase-now");
  await page.locator("#erase-reason").fill("Lo pidió");
  await page.locator("#erase-again").fill(one);
  await page.keyboard.press("Enter");
  await page.locator("#person-work").waitFor();
  await ended(page);
  run.oneErased = [await said(page, "#person-status"), await page.locator("#person-sums li").allInnerTexts()];
  await page.locator("#person").fill(one);
  await page.keyboard.press("Enter");
  await page.locator("#person-held").waitFor();
  run.oneGone = [await said(page, "#person-count"), await visible(page, "#person-begin")];
  // Everything about a person: it is seen, given, and then erased.
  await page.locator("#person").fill(email);
  await page.locator("#person-see").click();
  await page.getByText(email).first().waitFor();
  run.focused = await focused(page);
  run.held = [await said(page, "#person-held-title"), await said(page, "#person-count")];
  run.states = await page.locator("#person-list tbody tr").evaluateAll((rows) => rows.map((row) => row.cells[1].innerText));
  await look(`${name} 1 held`, page);
  await page.locator("#person-export").click();
  await page.locator("#person-work").waitFor();
  await ended(page);
  run.ready = [await said(page, "#person-status"), await focused(page)];
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#person-file").click()]);
  run.archive = [download.suggestedFilename(), readFileSync(await download.path()).subarray(0, 2).toString()];
  await look(`${name} 2 given`, page);
  await page.locator("#person-begin").click();
  run.begun = [await focused(page), await page.locator("#erase-keep").isChecked()];
  run.button = await said(page, "#erase-now");
  await page.locator("#erase-now").click();
  run.noReason = [await said(page, "#erase-reason-problem"), await focused(page)];
  run.apart.push(await apart(page, "erase-reason"));
  await page.locator("#erase-reason").fill("Lo pidió la persona");
  await page.locator("#erase-again").fill("otra@ejemplo.com");
  await page.locator("#erase-now").click();
  run.other = [await said(page, "#erase-again-problem"), await focused(page)];
  run.apart.push(await apart(page, "erase-again"));
  run.alerts = await page.locator("#personal .problem:visible").count();
  await page.locator("#erase-again").fill(` ${email.toUpperCase()} `);
  if (name === "phone") await page.locator("#erase-keep").uncheck();
  // Another language keeps what was typed.
  await page.locator('.langs a[hreflang="en"]').click();
  run.english = [await said(page, "#erase-now"), await page.locator("#erase-reason").inputValue(), await said(page, "#erase-again-problem")];
  await page.locator('.langs a[hreflang="es"]').click();
  await look(`${name} 3 about to erase`, page);
  await page.locator("#erase-now").dblclick();
  await page.getByText(`Eliminación de ${email}`).waitFor();
  await ended(page);
  run.erased = [await said(page, "#person-status"), await focused(page)];
  run.sums = await page.locator("#person-sums li").allInnerTexts();
  run.left = [await visible(page, "#person-held"), await visible(page, "#erase-form")];
  await look(`${name} 4 erased`, page);
  await page.locator("#person-see").click();
  await page.locator("#person-held").waitFor();
  run.afterwards = await said(page, "#person-count");
  await page.context().close();
}

// Who cannot erase is not offered it: a key without the scope, and one of test mode.
seen.narrow = await (async () => {
  const page = await open("narrow", options.desk);
  const asked = page.waitForResponse(/people\/-\/export/);
  await enter(page, narrow);
  const status = (await asked).status();
  await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => setTimeout(drawn)); }));
  return [status, await visible(page, "#personal")];
})();
seen.test = await (async () => {
  const page = await open("test", options.desk);
  let asked = 0;
  page.on("request", (request) => { if (request.url().includes("/people/")) asked++; });
  await enter(page, test);
  return [await visible(page, "#personal"), asked];
})();

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
