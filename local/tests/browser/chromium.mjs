// Chromium from a package for Lambda, which brings libraries and fonts, so that it starts on a bare machine.
//
// `node chromium.mjs` unpacks it below node_modules. The tests run that once, when they install the packages (suite/node.rs).

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("./node_modules/.unpacked", import.meta.url));

/** Returns the program's path, and sets the environment to its libraries and fonts. */
export async function executable() {
  return process.env.CHROMIUM ?? (await unpacked());
}

async function unpacked() {
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  // The package unpacks into the temporary folder, where it would mistake a partial file for a whole one.
  const { TMPDIR } = process.env;
  process.env.TMPDIR = home;
  try {
    const { default: packaged } = await import("@sparticuz/chromium");
    return await packaged.executablePath();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(home, { recursive: true });
  await unpacked();
  // The package's list of fonts names /tmp.
  const list = `${home}/fonts/fonts.conf`;
  writeFileSync(list, readFileSync(list, "utf8").replaceAll("/tmp/", `${home}/`));
}
