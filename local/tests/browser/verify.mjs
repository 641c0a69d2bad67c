// Checks credentials at /verify as people do, and reports faults of the page.
//
// In: one JSON object on standard input, { site, url, files: { name: path }, shots? }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { launch } from "./public.mjs";

const { site, url, files, shots } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = { headings: {} };
const { browser, auditForm, stops, ...pages } = await launch(site, faults);
const open = (name, options, missing) => pages.open(name, `${site}/verify`, options, missing);
const audit = (name, page) => auditForm(name, page, shots);

const heading = (page) => page.locator("#answer h1").innerText();
const send = (page) => page.getByRole("button", { name: "Comprobar" }).click();

// The form and its answers, on phone and desk, by day and by night.
for (const [width, colorScheme] of [
  [390, "light"],
  [1280, "dark"],
  [320, "dark"],
  [1280, "light"],
]) {
  const look = { viewport: { width, height: 800 }, colorScheme };
  const page = await open(`verify ${width} ${colorScheme}`, look);
  await audit(`verify-form-${width}-${colorScheme}`, page);
  for (const name of ["valid.pdf", "revoked.pdf", "changed.json"]) {
    await page.goto(`${site}/verify`);
    await page.locator("#file").setInputFiles(files[name]);
    await send(page);
    seen.headings[name] = await heading(page);
    await audit(`verify-${name}-${width}-${colorScheme}`, page);
  }
  await page.context().close();
}

// With the picker; the checks unfold.
{
  const page = await open("picked");
  await page.locator("#file").setInputFiles(files["valid.json"]);
  await send(page);
  seen.headings.picked = await heading(page);
  const shown = () => page.locator(".checks").isVisible();
  seen.checks = [await shown()];
  await page.locator("summary").click();
  seen.checks.push(await shown());
  // Drawn, so that no font has to have it.
  const { width } = await page.locator(".checks .pass svg.tick path").first().boundingBox();
  if (width < 5) faults.push(`picked: a tick ${width} px wide`);
  if (shots) await page.screenshot({ path: `${shots}/verify-checks.png`, fullPage: true });
  await page.context().close();
}

// Dropped anywhere on the page.
{
  const page = await open("dropped");
  const bytes = readFileSync(files["valid.png"]).toString("base64");
  const transfer = await page.evaluateHandle((bytes) => {
    const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([data], "insignia.png", { type: "image/png" }));
    return transfer;
  }, bytes);
  await page.dispatchEvent("main", "dragover", { dataTransfer: transfer });
  if (!(await page.locator("form.over").count())) faults.push("dropped: the form does not show it");
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  seen.headings.dropped = await heading(page);
  await page.context().close();
}

// A file that is too large is not sent.
{
  const page = await open("large");
  await page.locator("#file").setInputFiles(files["large.pdf"]);
  await send(page);
  seen.large = await page.locator("#problem").innerText();
  await page.context().close();
}

// Without a script, a file and an address.
{
  const page = await open("without script", { javaScriptEnabled: false });
  await page.locator("#file").setInputFiles(files["valid.pdf"]);
  await send(page);
  seen.headings["without script"] = await heading(page);
  await page.locator("#text").fill(`Mira: ${url}.`);
  await send(page);
  seen.headings["pasted without script"] = await heading(page);
  await page.context().close();
}

// By keyboard, in the order of the page, with a focus that is seen.
{
  const page = await open("keyboard");
  seen.stops = await stops(page, 6);
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
