// Takes a picture of a page, for the documents.
//
// In: one JSON object on standard input, { url, path, width, height, scale, fonts }.
// A page uses the fonts of its reader's system. This program gives it the project's fonts, so that the
// picture looks the same on every machine.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { executable } from "./chromium.mjs";

const { url, path, width, height, scale, fonts } = JSON.parse(await text(process.stdin));
const face = (family, weight, file) => {
  const data = readFileSync(`${fonts}/${file}`).toString("base64");
  return `@font-face{font-family:"${family}";font-weight:${weight};src:url(data:font/ttf;base64,${data})}`;
};
const style = [
  face("Picture Serif", "100 900", "NotoSerifDisplay-Regular.ttf"),
  face("Picture Sans", "400", "NotoSans-Regular.ttf"),
  face("Picture Sans", "700", "NotoSans-Bold.ttf"),
  ":root{--serif:'Picture Serif'}html,body,button{font-family:'Picture Sans'}",
].join("");

const browser = await chromium.launch({
  executablePath: await executable(),
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote", "--font-render-hinting=none"],
});
const page = await browser.newPage({
  locale: "es-CL",
  colorScheme: "light",
  viewport: { width, height },
  deviceScaleFactor: scale,
  // The page's policy admits only its own style sheet.
  bypassCSP: true,
});
await page.goto(url);
await page.addStyleTag({ content: style });
await page.evaluate(() => document.fonts.ready);
await page.screenshot({ path });
await browser.close();
