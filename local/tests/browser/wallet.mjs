// Asks for a lost link at /wallet as people do, and reports faults of the page.
//
// In: one JSON object on standard input, { site, email, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const { site, email, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
});

async function open(name, options = {}, missing = false, path = "/wallet") {
  const context = await browser.newContext({ locale: "es-CL", ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    const expected = missing && message.text().includes("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !expected) {
      faults.push(`${name}: console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => faults.push(`${name}: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(site)) faults.push(`${name}: asks ${request.url()}`);
  });
  await page.goto(site + path);
  return page;
}

async function audit(name, page) {
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
    faults.push(`${name}: scrolls sideways`);
  }
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, a.button")]
      .filter((element) => element.getBoundingClientRect().height < 44)
      .map((element) => element.outerHTML.slice(0, 80)),
  );
  if (small.length > 0) faults.push(`${name}: lower than 44 px: ${small.join(" | ")}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const { id, nodes } of violations) {
    faults.push(`${name}: axe ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
  }
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}

for (const [width, colorScheme] of [
  [390, "light"],
  [1280, "dark"],
  [320, "dark"],
  [1280, "light"],
]) {
  const look = { viewport: { width, height: 800 }, colorScheme, javaScriptEnabled: true };
  const page = await open(`wallet ${width}`, look, true);
  await audit(`wallet-form-${width}-${colorScheme}`, page);
  // What the browser lets through and the service does not.
  await page.locator("#email").fill("nadie@ejemplo");
  await page.getByRole("button", { name: "Enviar el enlace" }).click();
  seen.wrong = await page.locator("#problem").innerText();
  await audit(`wallet-wrong-${width}-${colorScheme}`, page);
  await page.goto(`${site}/wallet/demo.live.x`);
  await audit(`wallet-closed-${width}-${colorScheme}`, page);
  await page.context().close();
}

// By keyboard, with a focus that is seen.
{
  const page = await open("keyboard");
  seen.stops = [];
  for (let n = 0; n < 4; n += 1) {
    await page.keyboard.press("Tab");
    const [what, shown] = await page.evaluate(() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      const what = at.id || (at.type === "submit" ? at.textContent : at.hreflang || at.pathname);
      return [what, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
    });
    seen.stops.push(what);
    if (!shown) faults.push(`keyboard: the focus on ${what} cannot be seen`);
  }
  await page.context().close();
}

// Without a script.
{
  const page = await open("without script", { javaScriptEnabled: false });
  await page.locator("#email").fill(email);
  await page.getByRole("button", { name: "Enviar el enlace" }).click();
  seen.asked = await page.locator("h1").innerText();
  if (shots) await page.screenshot({ path: `${shots}/wallet-asked.png`, fullPage: true });
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
