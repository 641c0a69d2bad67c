// Text of spreadsheets to rows of cells and back; it knows nothing of the page.

// Rows of a text whose cells are quoted where they hold a separator, a quote or a line end. `isQuoted` says whether what is
// within quotes is a quoted cell, rather than a text that begins with one.
const readRows = (text, separator, isQuoted = () => true) => {
  const rows = [];
  let [row, at] = [[], 0];
  const ends = (place) => place >= text.length || text[place] === separator || text[place] === "\n" || text[place] === "\r";
  const quoted = (from) => {
    let close = from;
    do {
      close = text.indexOf('"', close + 1);
      if (close >= 0 && text[close + 1] === '"') close++;
      else break;
    } while (close >= 0);
    if (close < 0 || !ends(close + 1)) return null;
    const inner = text.slice(from + 1, close);
    return isQuoted(inner) ? { cell: inner.replaceAll('""', '"'), next: close + 1 } : null;
  };
  while (at < text.length) {
    const known = text[at] === '"' ? quoted(at) : null;
    let next = known?.next ?? at;
    while (!ends(next)) next++;
    row.push(known?.cell ?? text.slice(at, next));
    at = next;
    if (at < text.length && text[at] === separator) {
      at++;
      // A separator at the end of all has an empty cell behind it.
      if (at >= text.length) row.push("");
      continue;
    }
    rows.push(row);
    row = [];
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
  }
  if (row.length) rows.push(row);
  return rows;
};
const writeRows = (rows, separator) => rows.map((row) => row.map((cell) =>
  /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell).join(separator)).join("\r\n") + "\r\n";
// With a byte order mark, by which every program knows UTF-8.
const csvFile = (rows, separator, name) => new File(["\ufeff", writeRows(rows, separator)], name, { type: "text/csv" });

// A cell of a results file without the `'` that keeps a spreadsheet from running it (sheet::guarding).
const unguarded = (text) => {
  if (!text.includes("'")) return text;
  let [made, begins, marks] = ["", true, 0];
  for (const c of text) {
    if (begins && c === "'") {
      marks++;
      continue;
    }
    if (marks) made += "'".repeat("=+-@＝＋－＠".includes(c) || (made === "" && /[\t\r]/.test(c)) ? marks - 1 : marks);
    begins = ",;\t\r\n".includes(c) || (begins && !marks && /[\s\p{C}\p{Mn}"]/u.test(c));
    marks = 0;
    made += c;
  }
  return made + "'".repeat(marks);
};

const isEmpty = (row) => row.every((cell) => !cell.trim());
const letterOf = (at) => (at >= 26 ? letterOf(Math.floor(at / 26) - 1) : "") + String.fromCharCode(65 + (at % 26));

// The rows that a spreadsheet put on the clipboard. It quotes a cell for the tab or line end in it and for nothing else: a text
// that begins with a quote comes as it is. Rows that end in nothing, and columns of nothing, were selected with the others.
const pastedRows = (text) => {
  const all = readRows(text.replace(/^\ufeff/, ""), "\t", (inner) => /[\t\r\n]/.test(inner));
  while (all.length && isEmpty(all.at(-1))) all.pop();
  const width = Math.max(0, ...all.map((row) => row.length));
  const used = Array.from({ length: width }, (_, at) => at).filter((at) => all.some((row) => row[at]?.trim()));
  return all.map((row) => used.map((at) => row[at] ?? ""));
};

// Names for the columns of pasted rows: of rows alone, of cells that were merged with the one before, of names that come twice, so
// that each can be assigned. A title above the header is left to the service.
const namedRows = (rows, word) => {
  const first = rows[0] ?? [];
  const name = (at) => `${word} ${letterOf(at)}`;
  if (first.some((cell) => /\S@\S/.test(cell))) return [first.map((_, at) => name(at)), ...rows];
  if (first.filter((cell) => cell.trim()).length < Math.min(2, first.length)) return rows;
  const seen = new Map();
  const header = first.map((cell, at) => {
    const own = cell.trim() || name(at);
    const count = (seen.get(own.toLowerCase()) ?? 0) + 1;
    seen.set(own.toLowerCase(), count);
    return count > 1 ? `${own} (${count})` : own;
  });
  return [header, ...rows.slice(1)];
};
// A file of what was pasted. Without a tab it is what a file would be: CSV, or one column.
const pastedFile = (text, { texts: T }) => text.includes("\t")
  ? csvFile(namedRows(pastedRows(text), T.column), ",", T.pasted_name)
  : new File([text], T.pasted_name, { type: "text/csv" });
