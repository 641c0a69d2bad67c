// Chromium with its libraries and fonts, as its package brings them for Lambda, so that it starts on a bare machine.
//
// `node chromium.mjs` unpacks it below node_modules. The tests do so once, when they install the packages (suite/node.rs).

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("./node_modules/.unpacked", import.meta.url));

/** The path of the program, and its libraries and fonts in the environment. */
export async function executable() {
  return process.env.CHROMIUM ?? (await unpacked());
}

async function unpacked() {
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  // The package unpacks into the temporary folder, and takes a file that is there for a whole one.
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
  // Its list of fonts names /tmp.
  const list = `${home}/fonts/fonts.conf`;
  writeFileSync(list, readFileSync(list, "utf8").replaceAll("/tmp/", `${home}/`));
}
