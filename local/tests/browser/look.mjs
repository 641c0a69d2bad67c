// Looks at a page in both colour schemes: the rules of axe, and whether it scrolls sideways. Reports what
// is wrong in `faults`, and takes a picture of each into the folder `shots`, if there is one.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

export async function lookInBothSchemes(name, page, { faults, shots }) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      }),
    );
    for (const { id, nodes } of violations) {
      const where = nodes.map((node) => node.html.slice(0, 120)).join(" | ");
      faults.push(`${name}, ${colorScheme}: axe ${id}: ${where}`);
    }
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
      faults.push(`${name}: scrolls sideways`);
    }
    const shot = `${name} ${colorScheme}`.replaceAll(/\W+/g, "-");
    if (shots) await page.screenshot({ path: `${shots}/${shot}.png`, fullPage: true });
  }
}
