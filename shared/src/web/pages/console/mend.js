// A file's own rows as the service read them, mended or picked out: a corrected copy, and the rows at fault alone.

// Most rows that are mended in the page; more are mended in the file.
const MENDABLE_ROWS = 100_000;
const isMendable = ({ job: { result, file } }) => result.total <= MENDABLE_ROWS && !/\.(json|jsonl|ndjson)$/i.test(file?.name ?? "");

// The results file of a dry run: the file's own columns, and where those of the results begin. What it reads as nothing is not
// shown for mending, and stays as it is.
const readOwn = (text) => {
  const [, separator] = text.match(/(?:^|\W)row"?([,;\t])"?line"?\1"?status/) ?? [];
  if (!separator) return null;
  const [header, ...rows] = readRows(text.replace(/^\ufeff/, ""), separator);
  const end = header.findLastIndex((name, at) => name === "row" && header[at + 1] === "line");
  const place = (name) => header.indexOf(name, end);
  return { separator, header, rows, end, place, shown: header.slice(0, end).map((name, at) => ({ name: unguarded(name), at })).filter(({ name }) => name && !name.startsWith("#")) };
};

// The cells of a row by their columns; those beyond all columns come last.
const ownCells = (own, row) => [
  ...own.shown.map(({ name, at }) => ({ name, at, text: unguarded(row[at] ?? "") })),
  ...row.slice(own.header.length).map((cell, n) => ({ name: "", at: own.header.length + n, text: unguarded(cell) })),
];

// `acta.xlsx` gives `acta (corregido).csv`, and so does that.
const nameWith = (name, word) => `${name.replace(/\.[^.]*$/, "").replace(` (${word})`, "")} (${word}).csv`;

// The whole file with its mended cells. It names its credentials where the file did.
const correctedCopy = (own, mended, named, name) => {
  const further = named ? ["credential_id", "credential_version"].map(own.place).filter((at) => at >= 0) : [];
  const rowOf = (row, changes) => {
    const cell = (at) => changes?.get(at) ?? unguarded(row[at] ?? "");
    const beyond = row.slice(own.header.length).map((_, n) => cell(own.header.length + n));
    while (beyond.length && !beyond.at(-1)) beyond.pop();
    return [...Array.from({ length: own.end }, (_, at) => cell(at)), ...further.map(cell), ...beyond];
  };
  const header = [...own.header.slice(0, own.end).map(unguarded), ...further.map((at) => own.header[at])];
  return csvFile([header, ...own.rows.map((row, at) => rowOf(row, mended.get(at + 1)))], own.separator, name);
};

// The rows at fault with their columns as the results file has them, so that it can be mended and uploaded as it is.
const faultyRows = (own, name) => {
  const kept = ["line", "status", "error", "credential_id", "credential_version"].map(own.place).filter((at) => at >= 0);
  const pick = (row) => [...Array.from({ length: own.end }, (_, at) => row[at] ?? ""), ...kept.map((at) => row[at] ?? ""), ...row.slice(own.header.length)];
  const faulty = own.rows.filter((row) => row[own.place("status")] === "invalid");
  return csvFile([own.header, ...faulty].map(pick), own.separator, name);
};

// The form in which a row is mended, below it in its table.
const mendForm = (own, row, changes, { texts: T }, { done, close }) => {
  const form = element("form", undefined, "mend");
  const fields = ownCells(own, row).map(({ name, at, text }) => {
    const label = element("label", undefined, "mend-cell");
    const known = changes?.get(at) ?? text;
    // A line end would be lost in a field of one line.
    const field = element(/[\r\n]/.test(text) ? "textarea" : "input");
    field.value = known;
    field.dir = "auto";
    field.autocomplete = "off";
    field.spellcheck = false;
    label.append(element("span", name || T.surplus_cell), field);
    form.append(label);
    return { at, text, field, known: field.value };
  });
  const buttons = element("div", undefined, "line");
  const [keep, cancel] = [element("button", T.mend_done, "button first"), element("button", T.mend_cancel, "button")];
  keep.type = "submit";
  cancel.type = "button";
  buttons.append(keep, cancel);
  form.append(buttons);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const next = new Map(changes);
    for (const { at, text, field, known } of fields) {
      if (field.value === known) continue;
      if (field.value === text) next.delete(at);
      else next.set(at, field.value);
    }
    done(next);
  });
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  cancel.addEventListener("click", close);
  return form;
};
