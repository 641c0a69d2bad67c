// A browser for the public pages. It notes as faults what a page logs, what it asks of another host, and what axe finds.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

/** Starts a browser for the pages of a site. Faults are added to a list of texts. */
export async function launch(site, faults) {
  const browser = await chromium.launch({
    executablePath: await executable(),
    args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
  });

  /** Opens a page. An error or warning that it logs, and a request to another host, are faults. */
  async function open(name, url, options = {}, missing = false) {
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
      const to = request.url();
      if (!to.startsWith(site) && !to.startsWith("data:")) faults.push(`${name}: asks ${to}`);
    });
    await page.goto(url);
    return page;
  }

  async function audit(name, page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      axe.run(document, {
        // The frame of a mail is sandboxed: axe cannot run in it.
        iframes: false,
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      }),
    );
    for (const { id, nodes } of violations) {
      faults.push(`${name}: axe ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
    }
  }

  /** Audits the page of a form: its width and the height of what is pressed too. */
  async function auditForm(name, page, shots) {
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
      faults.push(`${name}: scrolls sideways`);
    }
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("button, summary, textarea, input, a.button")]
        .filter((element) => element.getBoundingClientRect().height < 44)
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    if (small.length > 0) faults.push(`${name}: lower than 44 px: ${small.join(" | ")}`);
    await audit(name, page);
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  }

  /** Where the Tab key stops first, each with a focus that is seen. */
  async function stops(page, count) {
    const reached = [];
    for (let n = 0; n < count; n += 1) {
      await page.keyboard.press("Tab");
      const [what, shown] = await page.evaluate(() => {
        const at = document.activeElement;
        const style = getComputedStyle(at);
        const what = at.id || (at.type === "submit" ? at.textContent : at.hreflang || at.pathname);
        return [what, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
      });
      reached.push(what);
      if (!shown) faults.push(`keyboard: the focus on ${what} cannot be seen`);
    }
    return reached;
  }

  return { browser, open, audit, auditForm, stops };
}
