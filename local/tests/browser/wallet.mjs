// Asks for a lost link at /wallet as people do, and reports faults of the page.
//
// In: one JSON object on standard input, { site, email, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { text } from "node:stream/consumers";

import { launch } from "./public.mjs";

const { site, email, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const { browser, auditForm, stops, ...pages } = await launch(site, faults);
const open = (name, options, missing) => pages.open(name, `${site}/wallet`, options, missing);
const audit = (name, page) => auditForm(name, page, shots);

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
  seen.stops = await stops(page, 5);
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
