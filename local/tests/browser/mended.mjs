// Mends, in the console, mail that did not arrive: sees why, gives the right address, and reports the
// faults on the way.
//
// In: one JSON object on standard input, { site, bucket, key, narrow, template, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";
import { lookInBothSchemes } from "./look.mjs";

const { site, key, narrow, template, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
});

const look = (name, page) => lookInBothSchemes(name, page, { faults, shots });

const cells = (page) =>
  page.locator("#undelivered tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText)));

async function enter(page, key) {
  await page.locator("#key").fill(key);
  await page.keyboard.press("Enter");
}

const people = [
  { name: "desk", options: { locale: "es-CL", viewport: { width: 1280, height: 900 } } },
  { name: "phone", options: { locale: "es-CL", viewport: { width: 360, height: 800 } } },
];
for (const { name, options } of people) {
  const run = (seen[name] = {});
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  await page.goto(`${site}/console`);
  await enter(page, key);
  await page.locator("#template").selectOption(template);
  const rows = [`bounce+${name}@simulator.amazonses.com;Ana Soto;A`, `complaint+${name}@simulator.amazonses.com;Luis Rojas;B`,
    `success+${name}@simulator.amazonses.com;Eva Pinto;A`];
  await page.locator("#file").setInputFiles({
    name: "acta.csv", mimeType: "text/csv", buffer: Buffer.from(["Correo;Nombre;Nota", ...rows, ""].join("\n")),
  });
  await page.locator("#dry-run").click();
  await page.locator("#check-result").waitFor({ timeout: 60_000 });
  await page.locator("#issue").click();
  await page.locator("#results:not([hidden])").waitFor({ timeout: 60_000 });
  // Reports come after the mail: the page shows them when it is opened again.
  const again = async (key) => {
    await page.reload();
    await enter(page, key);
    await page.locator("#undelivered :is(table, p)").first().waitFor({ timeout: 60_000 });
  };
  while ((await page.locator("#undelivered tbody tr").count()) < 2) await again(key);
  run.rows = await cells(page);
  run.links = await page.locator("#undelivered a").evaluateAll((links) => links.map((link) => link.pathname));
  await look(`${name} 1 undelivered`, page);
  if (name === "desk") {
    // A key without the scope says so, and what was typed stays.
    await again(narrow);
    await page.locator("#undelivered input").first().fill("otra@simulator.amazonses.com");
    await page.keyboard.press("Enter");
    await page.locator("#problem:not([hidden])").waitFor();
    run.narrow = [await page.locator("#problem").innerText(), await page.locator("#undelivered input").first().inputValue()];
    await again(key);
  }
  // Of very many, the first are listed, and the others come when they are asked for.
  const everyone = /\/results\?status=undelivered/;
  await page.route(everyone, async (route) => {
    const url = new URL(route.request().url());
    const further = url.searchParams.has("cursor");
    url.searchParams.delete("cursor");
    const answer = await route.fetch({ url: url.href });
    const { items: [row] } = await answer.json();
    const items = Array.from({ length: further ? 3 : 100 }, (_, at) => ({ ...row, line: at + 2 }));
    await route.fulfill({ response: answer, json: { items, next_cursor: further ? null : "more" } });
  });
  await again(key);
  run.many = [await page.locator("#undelivered tbody tr").count(), await page.locator("#more-undelivered").isVisible()];
  await page.locator("#more-undelivered").click();
  await page.locator("#undelivered tbody tr").nth(102).waitFor();
  run.all = [await page.locator("#undelivered tbody tr").count(), await page.locator("#more-undelivered").isVisible()];
  await page.unroute(everyone);
  await again(key);
  // An address that is suppressed is corrected, and the page says that nothing is sent to it.
  const gone = `complaint+${name}@simulator.amazonses.com`;
  await page.locator("#undelivered input").first().fill(gone);
  await page.keyboard.press("Enter");
  await page.locator("#undelivered tbody tr").first().getByText(gone).waitFor();
  run.suppressed = await cells(page);
  // A typo is refused with the service's words; the right address is mailed. A keyboard is enough.
  const input = page.locator("#undelivered input").first();
  await input.fill(`ana@${name}`);
  await page.keyboard.press("Enter");
  await page.locator("#problem:not([hidden])").waitFor();
  run.typo = await page.locator("#problem").innerText();
  await input.fill(`success+otra-${name}@simulator.amazonses.com`);
  await page.keyboard.press("Enter");
  await page.locator("#undelivered bdi").waitFor();
  run.mended = await cells(page);
  run.problem = await page.locator("#problem").isVisible();
  await look(`${name} 2 mended`, page);
  await page.locator('.langs a[hreflang="en"]').click();
  run.english = await cells(page);
  await page.locator('.langs a[hreflang="es"]').click();
  await again(key);
  run.after = await cells(page);
  await context.close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
