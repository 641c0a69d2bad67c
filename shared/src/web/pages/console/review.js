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

// The rows as they would be signed, with the columns that they use.
const rowsTable = (rows, words) => {
  const { texts: T, columns, number } = words;
  const names = Object.keys(columns).filter((name) => name !== "email"
    && rows.some((row) => row.recipient?.[name] !== undefined));
  const notes = rows.map((row) => noteOf(row, words));
  const noted = notes.some(Boolean);
  const heads = [T.line, T.outcome, ...names.map((name) => columns[name]), columns.email];
  return table(T.as_signed, [...heads, ...(noted ? [T.note] : [])], rows.map((row, at) => [
    number.format(row.line ?? row.row), T[`r_${row.status}`] ?? row.status,
    ...names.map((name) => valueOf(name, row.recipient?.[name], words)),
    row.recipient?.email ?? row.email, ...(noted ? [notes[at]] : []),
  ]));
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
  read.header_line > 1 && `${T.header_line} ${number.format(read.header_line)}.`,
].filter(Boolean);

const showReview = (review, words, { test, mail, sending }) => {
  const { job: { result, file: read, warnings, correct }, template, rows, faults, corrections } = review;
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
  $("rows").replaceChildren(...rowsTable(rows, words));
  show("more-rows", Boolean(review.cursors.rows));
  $("corrections").replaceChildren(...(corrected ? correctionsTable(corrections, corrected, words) : []));
  show("more-corrections", Boolean(review.cursors.corrections));
  $("warnings").replaceChildren(...warningsTable(warnings ?? [], words));
  // The service wrote their texts in the language of the review.
  $("faults").replaceChildren(...(!result.failed ? [] : table(
    `${T.faults} (${number.format(result.failed)})`, [T.line, T.email, T.why],
    faults.map((row) => [number.format(row.line ?? row.row), row.email, row.error]),
    review.lang === lang ? "" : review.lang,
  )));
  show("more-faults", Boolean(review.cursors.faults));
  show("faults-later", result.failed > 0);
  show("offer", !correct && result.errors.some(({ code }) => code === "other_content"));
  const [before, after] = deedOf(fresh, corrected, words)
    .replace("{mode}", test ? T.in_test : T.in_live).split("{template}");
  const none = correct ? T.none_to_correct : T.none_to_issue;
  const any = fresh + corrected > 0;
  $("issue").replaceChildren(...(any ? [before, element("bdi", template.name), after] : [none]));
  $("issue").disabled = !any || sending;
};
