// Opens the pages in Chromium and reports their faults.
//
// In: one JSON object on standard input, { site, pages: [{ name, url, missing? }], plan: {…} }.
// Out: one JSON object, { faults: [text], seen: {…} }. The test judges `seen`.

import { text } from "node:stream/consumers";

import jsQR from "jsqr";

import { launch } from "./public.mjs";

const { site, pages, plan } = JSON.parse(await text(process.stdin));
const faults = [];
const seen = {};
const { browser, open, audit } = await launch(site, faults);

// The band with the state of each credential: a phone shows it without scrolling.
seen.bands = {};

// Every page, on a phone and a desk, by day and by night, with the rules of axe. The long run tries each width in
// both schemes.
const looks = ["light", "dark"].flatMap((colorScheme) =>
  [320, 360, 1280].map((width) => ({ width, colorScheme, rules: true })),
);
const some = [
  { width: 320, colorScheme: "light", rules: true },
  { width: 360, colorScheme: "dark", rules: true },
  { width: 1280, colorScheme: "light", rules: true },
  { width: 1280, colorScheme: "dark", rules: true },
];
for (const { name, url, missing } of pages) {
  for (const { width, colorScheme, rules } of process.env.LONG === "1" ? looks : some) {
    const viewport = { width, height: 800 };
    const what = `${name} at ${width} px, ${colorScheme}`;
    const page = await open(what, url, { viewport, colorScheme }, missing);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
      faults.push(`${what}: scrolls sideways`);
    }
    const band = page.locator(".state, .checked").first();
    if (await band.count()) {
      const { y, height } = await band.boundingBox();
      // What is in force says so below the award; anything else before it.
      const fold = (await band.evaluate((at) => at.matches("details.issued"))) ? viewport.height : 400;
      if (y + height > fold && !name.startsWith("long")) faults.push(`${what}: the state is below the fold`);
      seen.bands[name] = await band.innerText();
    }
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("a[href], button, summary")]
        // A link in a sentence is as high as its line (WCAG 2.5.8).
        .filter((at) => at.checkVisibility() && !at.closest("p:not(.links), td, dd, .evidence, .skills, .console, pre"))
        .filter((at) => at.getBoundingClientRect().height < 44)
        .map((at) => at.textContent.trim()),
    );
    if (small.length && !url.includes("/_local")) faults.push(`${what}: lower than 44 px: ${small.join(", ")}`);
    if (rules) await audit(what, page);
    await page.context().close();
  }
}

// Language: a page follows the browser; the switch changes it.
{
  const page = await open("language", plan.credential, { locale: "en-GB" });
  seen.browserLanguage = await page.getAttribute("html", "lang");
  await page.getByRole("link", { name: "Español" }).click();
  seen.switchedLanguage = await page.getAttribute("html", "lang");
  seen.switchedHeading = await page.locator("h2").first().textContent();
  await page.context().close();
}

// What a phone shows first, from top to bottom.
{
  const viewport = { width: 390, height: 844 };
  const page = await open("first screen", plan.credential, { viewport });
  const parts = await page.evaluate(() =>
    ["h1", ".who", ".giver", ".bar", ".checked"].map((name) => {
      const { top, bottom } = document.querySelector(name).getBoundingClientRect();
      return { name, top, bottom };
    }),
  );
  parts.sort((a, b) => a.top - b.top);
  seen.firstScreen = parts.filter(({ bottom }) => bottom <= viewport.height).map(({ name }) => name);
  await page.context().close();
}

// Keyboard: Tab reaches every link and button in the order of the page, and the focus is visible.
async function keyboard(name, url) {
  const page = await open(name, url);
  const wanted = await page.evaluate(() =>
    [...document.querySelectorAll("a[href], button, summary")]
      .filter((element) => element.checkVisibility())
      .map((element) => element.textContent.trim()),
  );
  const reached = [];
  for (let n = 0; n < wanted.length; n += 1) {
    await page.keyboard.press("Tab");
    const { text, shown } = await page.evaluate(() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      return {
        text: at.textContent.trim(),
        shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    reached.push(text);
    if (!shown) faults.push(`${name}: the focus on "${text}" cannot be seen`);
  }
  if (JSON.stringify(reached) !== JSON.stringify(wanted)) {
    faults.push(`${name}: Tab reaches ${JSON.stringify(reached)}, not ${JSON.stringify(wanted)}`);
  }
  await page.context().close();
  return wanted;
}
seen.credentialStops = await keyboard("keyboard on a credential", plan.credential);
seen.walletStops = await keyboard("keyboard on a wallet", plan.wallet);

// Copies the link by keyboard.
{
  const page = await open("copying", plan.credential, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await page.getByRole("button", { name: "Copiar el enlace" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Enlace copiado").waitFor();
  seen.copied = await page.evaluate(() => navigator.clipboard.readText());
  await page.context().close();
}

// Without a script, a page shows all its content and no button.
{
  const page = await open("no script", plan.credential, { javaScriptEnabled: false });
  const details = page.locator("details.checked");
  const isOpen = () => details.evaluate((at) => at.open);
  seen.opened = [await isOpen()];
  await details.locator("summary").click();
  seen.opened.push(await isOpen());
  seen.withoutScript = await page.locator("body").innerText();
  seen.buttonsWithoutScript = await page.getByRole("button").count();
  await page.context().close();
}

// Paper: the certificate alone, on one sheet.
seen.sheets = {};
for (const { name, url } of pages.filter((page) => page.paper)) {
  const page = await open(`${name} on paper`, url);
  for (const format of ["A4", "Letter"]) {
    const pdf = await page.pdf({ format, landscape: true, printBackground: true });
    const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length;
    seen.sheets[`${name} ${format}`] = sheets;
  }
  await page.emulateMedia({ media: "print" });
  const shown = (selector) => page.locator(selector).first().isVisible();
  if (!(await shown(".sheet")) || (await shown("article.card")) || (await shown(".along"))) {
    faults.push(`${name} on paper: not the certificate alone`);
  }
  const over = await page.evaluate(() => {
    const inner = document.querySelector(".sheet .inner");
    return inner.scrollHeight > inner.clientHeight + 1 || inner.scrollWidth > inner.clientWidth + 1;
  });
  if (over) faults.push(`${name} on paper: more than fits`);
  await page.context().close();
}

// The QR codes, in the file and on the printed certificate, lead to the page.
{
  const page = await open("codes", plan.credential);
  const read = async (svg) => {
    const pixels = await page.evaluate(async (svg) => {
      const image = new Image();
      image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 400;
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, 400, 400);
      context.drawImage(image, 0, 0, 400, 400);
      return [...context.getImageData(0, 0, 400, 400).data];
    }, svg);
    return jsQR(Uint8ClampedArray.from(pixels), 400, 400)?.data;
  };
  const path = await page.locator("svg.code").first().innerHTML();
  const box = await page.locator("svg.code").first().getAttribute("viewBox");
  const scan = await page.locator("svg.scan").first().evaluate((at) => at.outerHTML);
  await page.goto("about:blank");
  seen.codeOnScreen = await read(scan.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"').replace("<rect", '<rect fill="#fff"'));
  seen.codeOfFile = await read(await (await fetch(`${plan.credential}/qr.svg`)).text());
  const onPaper = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" width="400" height="400">${path}</svg>`;
  seen.codeOnPaper = await read(onPaper);
  await page.context().close();
}

await browser.close();
process.stdout.write(JSON.stringify({ faults, seen }));
