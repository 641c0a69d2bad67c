// The review of a file: what would be issued, row by row, before anything is.

const freshOf = (result) => result.successful - result.duplicates - (result.corrected ?? 0);

// A value as the credential shows it.
const valueOf = (name, of, { lang, number, days }) => {
  if (of === undefined || of === null) return "";
  if (name.endsWith("_date")) return days.format(new Date(`${of}T00:00:00Z`));
  if (name === "evidence") return of.map((e) => [e.name, e.url].filter(Boolean).join(": ")).join("; ");
  if (name === "language") return new Intl.DisplayNames(lang, { type: "language" }).of(of);
  return typeof of === "number" ? number.format(of) : String(of);
};
const noteOf = (row, words) => {
  return row.also_holds?.length ? `${words.texts.also}: ${row.also_holds.join(", ")}` : "";
};

// Rows of a table that are shown at a time: a browser stays quick, however many there are. On a phone a row is a card.
const PAGE = matchMedia("(max-width: 34rem)").matches ? 10 : 50;
// The place of a table in its rows, and the ways on.
const drawPages = (id, at, total, { texts: T, number }) => {
  show(id, total > PAGE);
  const [before, place, next] = $(id).children;
  before.disabled = at === 0;
  next.disabled = at + PAGE >= total;
  place.textContent = `${number.format(at + 1)}–${number.format(Math.min(at + PAGE, total))} ${T.of} ${number.format(total)}`;
};

// Adds the way to mend each of a table's rows. What was mended is said, until it is reviewed.
const withMending = (made, rows, { changes, mend }, { texts: T, number }) => {
  const head = element("th", T.mend, "act");
  head.scope = "col";
  made[1].querySelector("thead tr").append(head);
  [...made[1].querySelectorAll("tbody tr")].forEach((line, at) => {
    const cell = line.insertCell();
    cell.className = "act";
    const [row, place] = [rows[at], number.format(rows[at].line ?? rows[at].row)];
    const button = element("button", T.mend, "button small");
    button.type = "button";
    button.setAttribute("aria-label", `${T.mend}: ${T.line.toLowerCase()} ${place}`);
    button.addEventListener("click", () => mend(row, line, button));
    cell.append(button);
    if (changes.has(row.row)) {
      line.className = "mended";
      cell.append(element("div", T.mended_row, "mended-note"));
    }
  });
  return made;
};

// The rows as they would be signed, with the columns that they use.
const rowsTable = (rows, mending, words) => {
  const { texts: T, columns, number } = words;
  const names = Object.keys(columns).filter((name) => name !== "email"
    && rows.some((row) => row.recipient?.[name] !== undefined));
  const notes = rows.map((row) => noteOf(row, words));
  const noted = notes.some(Boolean);
  const heads = [T.line, T.outcome, ...names.map((name) => columns[name]), columns.email];
  const made = table(T.as_signed, [...heads, ...(noted ? [T.note] : [])], rows.map((row, at) => [
    number.format(row.line ?? row.row), T[`r_${row.status}`] ?? row.status,
    ...names.map((name) => valueOf(name, row.recipient?.[name], words)),
    row.recipient?.email ?? row.email, ...(noted ? [notes[at]] : []),
  ]));
  return mending ? withMending(made, rows, mending, words) : made;
};

// What a file that corrects would change, field by field.
const correctionsTable = (rows, count, words) => {
  const { texts: T, columns, number } = words;
  const value = (name, of) => valueOf(name, of, words) || T.nothing;
  const changes = rows.flatMap((row) => (row.changes ?? []).map(({ field, before, after }) => [
    number.format(row.line ?? row.row), row.email, columns[field] ?? field,
    value(field, before), value(field, after),
  ]));
  return table(`${T.corrections} (${number.format(count)})`,
    [T.line, T.email, T.field, T.before, T.after], changes);
};

// What the last button does: it issues, corrects, or both.
const deedOf = (fresh, corrected, { texts: T, number }) => {
  const deed = fresh && corrected ? "issue_and_correct"
    : fresh ? (fresh === 1 ? "issue_1" : "issue_n") : corrected === 1 ? "correct_1" : "correct_n";
  return T[deed].replace("{n}", number.format(fresh)).replace("{m}", number.format(corrected));
};

const SHOWN_LINES = 20;

// Warnings block nothing. Each kind has a count and its first rows.
const warningsTable = (all, { texts: T, number }) => {
  // What was guessed is said above, with its name.
  const warnings = all.filter((warning) => warning.kind !== "guessed_encoding");
  if (!warnings.length) return [];
  // The file may have been read in part by a release that noted no lines.
  const placesOf = ({ lines, rows }) => lines?.map((line) => number.format(line))
    ?? rows.map((row) => `${T.row} ${number.format(row)}`);
  const rows = warnings.map((warning) => {
    const places = placesOf(warning);
    const shown = places.slice(0, SHOWN_LINES).join(", ");
    const more = warning.count > Math.min(places.length, SHOWN_LINES);
    return [number.format(warning.count), warning.text, more ? `${shown} …` : shown];
  });
  const made = table(T.warnings, [T.how_many, T.what, T.lines], rows);
  return [...made, element("p", T.warnings_block, "soft")];
};

// What was found out of the file rather than said.
const guessesOf = (read, { texts: T, encodings, number }) => [
  read.encoding_guessed
    && `${T.guessed_encoding}: ${encodings[read.encoding] ?? read.encoding}. ${T.look_at_names}`,
  read.sheet && read.sheets?.length > 1
    && `${T.sheet}: «${read.sheet}». ${T.sheets_unread}: ${read.sheets.filter((name) => name !== read.sheet).map((name) => `«${name}»`).join(", ")}.`,
  read.header_line > 1 && `${T.header_line} ${number.format(read.header_line)}.`,
].filter(Boolean);

const showReview = (review, words, { test, mail, sending, mend }) => {
  const { job: { result, file: read, warnings, correct }, template, corrections, changes, at } = review;
  const [rows, faults] = ["rows", "faults"].map((list) => review[list].slice(at[list], at[list] + PAGE));
  const mending = isMendable(review) && { changes, mend };
  const { texts: T, lang, number, size } = words;
  const [fresh, corrected] = [freshOf(result), result.corrected ?? 0];
  $("review-facts").replaceChildren(
    fact(T.template, template.name),
    fact(T.mode, test ? T.test_short : T.live),
    fact(T.file, `${review.file.name} (${size(review.file.size)})`),
    fact(T.mail, test ? T.mail_test : mail ? T.mail_yes : T.mail_no),
  );
  $("guesses").replaceChildren(...guessesOf(read, words).map((text) => element("p", text)));
  $("sums").replaceChildren(
    sum("new", fresh, words, "issued"),
    ...(result.duplicates ? [sum("duplicates", result.duplicates, words)] : []),
    ...(corrected ? [sum("to_be_corrected", corrected, words)] : []),
    ...(result.failed ? [sum("invalid", result.failed, words, "revoked")] : []),
  );
  $("rows").replaceChildren(...rowsTable(rows, mending, words));
  drawPages("rows-pages", at.rows, result.total, words);
  $("pictures").replaceChildren(...review.pictures.map((picture) => pictureOf(picture, words)));
  $("corrections").replaceChildren(...(corrected ? correctionsTable(corrections, corrected, words) : []));
  show("more-corrections", Boolean(review.cursors.corrections));
  $("warnings").replaceChildren(...warningsTable(warnings ?? [], words));
  // The service wrote their texts in the language of the review.
  const faulty = () => table(
    `${T.faults} (${number.format(result.failed)})`, [T.line, T.email, T.why],
    faults.map((row) => [number.format(row.line ?? row.row), row.email, row.error]),
    review.lang === lang ? "" : review.lang,
  );
  $("faults").replaceChildren(...(!result.failed ? [] : mending ? withMending(faulty(), faults, mending, words) : faulty()));
  drawPages("faults-pages", at.faults, result.failed, words);
  show("faulty-file", result.failed > 0 && result.total <= MENDABLE_ROWS);
  show("faults-later", result.failed > 0);
  show("offer", !correct && result.errors.some(({ code }) => code === "other_content"));
  const [before, after] = deedOf(fresh, corrected, words)
    .replace("{mode}", test ? T.in_test : T.in_live).split("{template}");
  const none = correct ? T.none_to_correct : T.none_to_issue;
  const any = fresh + corrected > 0;
  $("issue").replaceChildren(...(any ? [before, element("bdi", template.name), after] : [none]));
  // What was mended is in the page alone: nothing is issued without it before it was reviewed.
  const pending = changes.size;
  $("issue").disabled = !any || sending || pending > 0;
  show("mending", pending > 0);
  $("mending-count").textContent = T[pending === 1 ? "mended_1" : "mended_n"].replace("{n}", number.format(pending));
  const [see, copy] = [T.see_copy.split("{file}"), nameWith(review.file.name, T.corrected_suffix)];
  $("see-copy").replaceChildren(see[0], element("bdi", copy), see[1]);
};
