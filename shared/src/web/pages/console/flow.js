// The way from a key to credentials. Its words are those of one language at a time.
(() => {
  const root = document.getElementById("console");
  const WORDS = JSON.parse(root.dataset.words);
  const api = new URL(location.pathname.replace(/\/console$/, "/api/v1"), location.href).href;
  const MAX = 500 * 1024 * 1024;
  let words, lang, T, number, days;
  let key = "";
  let templates = [];
  let file = null;
  // The encoding that the registrar chose for this file, if its letters left it open.
  let encoding = null;
  // How the last check read the file's columns, and what the registrar said of them and of its dates.
  let columns = { read: [], said: {} };
  // The sheets of the file, if it is a spreadsheet of several, and the one that is read.
  let sheets = { all: [], said: "" };
  // What the registrar is looking at: a dry run's outcome, and a job under way.
  let review = null;
  let job = null;
  // Rows whose mail did not arrive, and the right addresses that were given for them.
  const noneUndelivered = () => ({ rows: [], cursor: "", mended: new Map() });
  let undelivered = noneUndelivered();
  let problem = "";
  let sending = false;
  // Whoever starts something new leaves what was followed before.
  let turn = 0;

  const speak = (to) => {
    lang = to;
    T = WORDS[lang].texts;
    number = new Intl.NumberFormat(lang);
    days = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeZone: "UTC" });
    words = { ...WORDS[lang], lang, number, days, size };
  };
  const size = (bytes) => bytes < 1e6
    ? `${number.format(Math.ceil(bytes / 1e3))} KB` : `${number.format(Math.round(bytes / 1e5) / 10)} MB`;

  speak(root.dataset.lang);

  // A problem is a text, or what gives its text in the language of the moment.
  const drawProblem = () => {
    $("problem").textContent = typeof problem === "function" ? problem() : problem;
    show("problem", Boolean(problem));
  };
  const say = (what) => {
    problem = what;
    drawProblem();
    if (problem) $("problem").scrollIntoView({ block: "nearest" });
  };
  class Refused extends Error {
    constructor(what) {
      super();
      this.what = what;
    }
  }
  const refuse = (name) => new Refused(() => T[name]);

  // One call of the API; a lost connection is tried again, and said.
  const call = async (path, options = {}) => {
    for (let attempt = 0; ; attempt++) {
      let response;
      try {
        response = await fetch(api + path, {
          ...options,
          headers: { "X-API-Key": key, "Accept-Language": lang, ...options.headers },
          cache: "no-store",
        });
      } catch {
        response = null;
      }
      if (response && response.status !== 429 && response.status < 500) {
        if (attempt) say("");
        if (response.ok) return response;
        const answer = await response.json().catch(() => ({}));
        if (response.status === 401) throw refuse("bad_key");
        if (response.status === 403) {
          throw Object.assign(refuse(options.denied ?? "no_scope"), { denied: options.denied });
        }
        throw new Refused(answer.detail || String(response.status));
      }
      if (attempt === 40) throw refuse("unreachable");
      say(() => T.unreachable);
      await sleep(Math.min(1000 * 2 ** attempt, 10000));
    }
  };
  const get = async (path) => (await call(path)).json();

  const guarded = (work) => async (event) => {
    event?.preventDefault();
    say("");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(error.what);
    }
  };
  // A step that has something new comes into view and is read out.
  const arrive = (id) => {
    $(`${id}-title`).focus({ preventScroll: true });
    $(id).scrollIntoView({ block: "start" });
  };

  const addressed = () => location.hash.match(/^#job=([0-9a-f-]{36})$/)?.[1];

  $("key-form").addEventListener("submit", guarded(async () => {
    const typed = $("key").value.trim();
    // No header holds another character, and a browser would call that a lost connection.
    if (!/^[\x21-\x7e]+$/.test(typed)) throw refuse("bad_key");
    $("sign-in-button").disabled = true;
    key = typed;
    try {
      const found = [];
      let cursor = null;
      do {
        const page = await get(`/templates?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
        found.push(...page.items.filter((t) => !t.archived));
        cursor = page.next_cursor;
      } while (cursor);
      templates = found;
    } catch (error) {
      key = "";
      throw error;
    } finally {
      $("sign-in-button").disabled = false;
    }
    $("key").value = "";
    show("sign-in", false);
    draw();
    offerPersonal();
    if (addressed()) return follow(addressed());
    begin();
  }));
  addEventListener("hashchange", guarded(async () => {
    if (key && addressed() && !sending) await follow(addressed());
  }));

  const isTest = () => key.startsWith("uc_test_");
  const prints = jobPrints({ call, get, present: () => words, fail: (work) => guarded(work)() });
  const personal = personalData({
    call, get, refuse, present: () => words,
    titleOf: (id) => templates.find((t) => t.id === id)?.name ?? id,
  });
  // Only a key that manages gets as far as the fault in this address; nothing is read for it. Whoever
  // cannot be asked is not offered anything, and issues as before.
  const offerPersonal = async () => {
    if (isTest()) return;
    const asked = await fetch(`${api}/people/-/export`, { headers: { "X-API-Key": key }, cache: "no-store" })
      .catch(() => null);
    if (asked?.status === 400) personal.offer();
  };
  const template = () => templates.find((t) => t.id === $("template").value);

  const begin = () => {
    turn++;
    job = null;
    history.replaceState(null, "", location.pathname + location.search);
    forgetReview();
    show("follow", false);
    show("choose");
    if (!templates.length) return say(() => T.no_templates);
    (templates.length > 1 && !template() ? $("template") : $("file")).focus();
  };

  // Names that several templates share say when each was made.
  const drawTemplates = () => {
    const chosen = $("template").value || (templates.length === 1 ? templates[0].id : "");
    const count = new Map();
    for (const { name } of templates) count.set(name, (count.get(name) ?? 0) + 1);
    const options = [...templates].sort((a, b) => a.name.localeCompare(b.name, lang)
      || a.created_at.localeCompare(b.created_at)).map((t) => {
      const made = () => `${T.created} ${days.format(new Date(t.created_at))}, ${t.id.slice(0, 8)}`;
      const shared = count.get(t.name) > 1;
      const option = element("option", shared ? `${t.name} (${made()})` : t.name);
      option.value = t.id;
      // A phone cuts what is chosen off at its end, so it is said below as well.
      if (shared) option.dataset.made = made();
      return option;
    });
    if (templates.length !== 1) {
      const none = element("option", T.choose_template);
      none.value = "";
      options.unshift(none);
    }
    $("template").replaceChildren(...options);
    $("template").value = chosen;
  };
  const drawChoice = () => {
    $("mode").textContent = isTest() ? T.test : T.live;
    $("mode").className = isTest() ? "mode trial" : "mode issued";
    const fields = (template()?.fields || []).filter((f) => f.name !== "email");
    const names = [{ name: "email", required: true }, ...fields]
      .map((f) => (words.columns[f.name] ?? f.name) + (f.required ? ` (${T.required})` : ""));
    const made = $("template").selectedOptions[0]?.dataset.made;
    $("made").textContent = made ? `${made[0].toUpperCase()}${made.slice(1)}` : "";
    $("columns").textContent = template() ? `${T.takes}: ${names.join(", ")}` : "";
    $("chosen").textContent = file ? `${T.chosen}: ${file.name} (${size(file.size)})` : "";
    $("example").disabled = !template();
    $("dry-run").disabled = !template() || !file || sending;
  };
  const drawColumns = () => {
    $("columns-table").replaceChildren(columnsTable(columns.read, columns.said, template(), words, (name, to) => {
      if (to) columns.said[name] = to;
      else delete columns.said[name];
      forgetReview();
    }));
    show("columns-read", columns.read.length > 0);
    drawAssignments();
  };
  const drawAssignments = (chosen = "") => {
    const names = Object.keys(savedAssignments.all()).sort((a, b) => a.localeCompare(b, lang));
    $("assignments").replaceChildren(...["", ...names].map((name) => {
      const option = element("option", name || T.choose_assignment);
      option.value = name;
      return option;
    }));
    $("assignments").value = chosen;
    show("assignments-kept", names.length > 0);
    $("forget-assignment").disabled = !chosen;
  };
  $("assignments").addEventListener("change", () => {
    const name = $("assignments").value;
    if (name) {
      columns.said = { ...columns.said, ...savedAssignments.of(name, columns.read) };
      forgetReview();
    }
    drawColumns();
    drawAssignments(name);
  });
  $("assignment-form").addEventListener("submit", guarded(async () => {
    const name = $("assignment-name").value.trim();
    if (!name) return;
    // What stands chosen in the table, whoever chose it.
    const map = Object.fromEntries(columns.read.map(({ name: column, read_as: known }) =>
      [column, columns.said[column] ?? known]).filter(([column, to]) => column && to));
    if (!savedAssignments.save(name, map)) throw refuse("not_kept");
    $("assignment-name").value = "";
    drawAssignments(name);
    $("assignment-said").textContent = `${T.kept_as} ${name}`;
  }));
  $("forget-assignment").addEventListener("click", () => {
    savedAssignments.forget($("assignments").value);
    drawAssignments();
    $("assignment-name").focus();
  });
  const drawSheets = () => {
    $("sheet").replaceChildren(...sheets.all.map((name) => {
      const option = element("option", name);
      option.value = name;
      return option;
    }));
    $("sheet").value = sheets.said;
    show("sheet-choice", sheets.all.length > 1);
  };
  $("sheet").addEventListener("change", () => {
    sheets.said = $("sheet").value;
    columns = { read: [], said: {} };
    hiddenRows("");
    drawColumns();
    forgetReview();
  });
  // What the registrar said of hidden rows; without an argument, what is said.
  const hiddenRows = (said) => {
    const choices = [...$("hidden-choice").querySelectorAll("input")];
    if (said === "") choices.forEach((choice) => { choice.checked = false; });
    if (said !== undefined) show("hidden-choice", said !== "");
    return choices.find((choice) => choice.checked)?.value;
  };
  // What was reviewed was reviewed with another template, or of another file.
  const forgetReview = () => {
    turn++;
    for (const { url } of review?.pictures ?? []) URL.revokeObjectURL(url);
    review = null;
    for (const id of ["check", "readings"]) show(id, false);
    drawChoice();
  };
  $("template").addEventListener("change", () => {
    columns = { read: [], said: {} };
    drawColumns();
    forgetReview();
  });
  for (const id of ["day-first", "correct", "hidden-choice"]) $(id).addEventListener("change", () => forgetReview());
  $("mail").addEventListener("change", () => { if (review) drawReview(); });

  $("example").addEventListener("click", guarded(async () => {
    const response = await call(`/templates/${$("template").value}/csv`);
    const url = URL.createObjectURL(await response.blob());
    save(url, T.example_name);
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }));

  const choose = (picked) => {
    if (!picked.length) return;
    const fault = picked.length > 1 ? "one_file" : picked[0].size > MAX ? "too_large"
      : picked[0].size === 0 ? "empty" : "";
    file = fault ? null : picked[0];
    encoding = null;
    columns = { read: [], said: {} };
    sheets = { all: [], said: "" };
    hiddenRows("");
    drawSheets();
    for (const id of ["day-first", "correct"]) {
      show(`${id}-choice`, false);
      $(id).checked = false;
    }
    drawColumns();
    say(fault && (() => T[fault]));
    forgetReview();
  };
  $("file").addEventListener("change", () => {
    const picked = [...$("file").files];
    // Emptied, so that the same name chosen again is a change: the mended file has it.
    $("file").value = "";
    choose(picked);
  });
  // A file that misses its place must not replace this page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  for (const kind of ["dragover", "dragleave", "drop"]) {
    $("drop").addEventListener(kind, (event) => {
      $("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop") choose([...event.dataTransfer.files]);
    });
  }

  // Rows that come from a sheet instead of a file: pasted into their field, or anywhere else but into a field.
  const takePasted = (text) => {
    if (!text.trim()) return;
    choose([pastedFile(text, words)]);
    $("pasted").value = "";
    $("dry-run").focus();
  };
  $("pasted").addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain");
    if (!text) return;
    event.preventDefault();
    takePasted(text);
  });
  $("use-pasted").addEventListener("click", () => takePasted($("pasted").value));
  addEventListener("paste", (event) => {
    const into = event.target.closest?.("input:not([type=file]), textarea, select");
    if (into || $("choose").hidden || sending || !event.clipboardData) return;
    if (event.clipboardData.files.length) return choose([...event.clipboardData.files]);
    const text = event.clipboardData.getData("text/plain");
    if (/[\t\n]/.test(text)) takePasted(text);
  });

  const loseFile = (name) => {
    file = null;
    forgetReview();
    return refuse(name);
  };

  // Uploads the file and gives the id of its job.
  const upload = async (dryRun, print, bar, status) => {
    const allowed = await (await call("/uploads", {
      method: "POST",
      ...($("correct").checked && { denied: "no_manage" }),
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        template_id: $("template").value, file_name: file.name, size: file.size,
        send_email: $("mail").checked, dry_run: dryRun, ...(encoding && { encoding }),
        ...(Object.keys(columns.said).length && { column_map: columns.said }),
        ...($("day-first").checked && { day_first: true }),
        ...($("correct").checked && { correct: true }),
        ...(sheets.said && { sheet: sheets.said }),
        ...(hiddenRows() && { hidden_rows: hiddenRows() }),
      }),
    })).json();
    status.textContent = T.uploading;
    try {
      await send(file, allowed.upload, (part) => {
        bar.value = part;
        status.textContent = `${T.uploading}: ${Math.round(part * 100)} %`;
      });
    } catch {
      throw await fingerprint(file) === print ? refuse("upload_failed") : loseFile("file_changed");
    }
    bar.removeAttribute("value");
    status.textContent = T.waiting;
    for (;;) {
      const upload = await get(`/uploads/${allowed.upload_id}`);
      if (upload.job_id) return upload.job_id;
      await sleep(500);
    }
  };

  const refusal = (failed) => `${T.refused}. ${failed.error.replace(/[.\s]*$/, ".")}`;

  // Where letters leave the encoding open, the registrar sees the names as each would read them.
  const drawReadings = (readings) => {
    $("readings-list").replaceChildren(...readings.map((reading) => {
      const item = element("li");
      const button = element("button", `${words.encodings[reading.encoding] ?? reading.encoding}: `, "button");
      button.type = "button";
      button.append(element("bdi", reading.texts.join(" · ")));
      button.addEventListener("click", () => {
        encoding = reading.encoding;
        $("dry-run").click();
      });
      item.append(button);
      return item;
    }));
    show("readings");
  };

  $("dry-run").addEventListener("click", guarded(async () => {
    forgetReview();
    const mine = turn;
    const [bar, status] = [$("check-bar"), $("check-status")];
    $("dry-run").disabled = true;
    bar.removeAttribute("value");
    status.textContent = T.opening;
    show("check");
    show("check-progress");
    show("check-result", false);
    $("check").scrollIntoView({ block: "nearest" });
    try {
      const print = await fingerprint(file);
      if (mine !== turn) return;
      if (print === null) throw loseFile("file_gone");
      const of = await get(`/templates/${$("template").value}`);
      const id = await upload(true, print, bar, status);
      let checked;
      for (;;) {
        checked = await get(`/jobs/${id}`);
        if (mine !== turn) return;
        if (checked.status === "SUCCESS" || checked.status === "FAILURE") break;
        const { current, total } = checked.progress;
        if (total) bar.value = current / total;
        status.textContent = `${T.checking}: ${number.format(current)} ${T.of} ${number.format(total)}`;
        await sleep(total > 10_000 ? 1000 : 300);
      }
      // What may be meant stands chosen: the registrar sees it, and the next check reads it so.
      const { said } = columns;
      const addressed = checked.columns?.some(({ read_as: known }) => known === "email");
      for (const { name, decided_by: by, suggestion, values } of checked.columns ?? []) {
        const address = !addressed && values.length > 0 && values.every((value) => /\S@\S/.test(value)) ? "email" : undefined;
        if (by === "open" && name && (suggestion ?? address)) said[name] ??= suggestion ?? address;
      }
      columns = { read: checked.columns ?? [], said };
      drawColumns();
      const named = columns.read.some(({ name }) => namesCredentials(name));
      const other = checked.result?.errors.some(({ code }) => code === "other_content");
      if (named || other) show("correct-choice");
      sheets = { all: checked.file?.sheets ?? [], said: checked.file?.sheet ?? sheets.said };
      drawSheets();
      const unknown = ["unknown_column", "missing_column"].includes(checked.code) && columns.read.length > 0;
      $("columns-read").open = unknown;
      if (checked.status === "FAILURE") {
        show("check", false);
        if (checked.code === "ambiguous_dates") {
          show("day-first-choice");
          throw refuse("ambiguous_dates");
        }
        if (checked.code === "hidden_rows") {
          hiddenRows("ask");
          throw new Refused(() => `${refusal(checked)} ${T.say_hidden}`);
        }
        if (checked.readings?.length) {
          drawReadings(checked.readings);
          throw refuse("several_readings");
        }
        throw new Refused(() => `${refusal(checked)} ${unknown ? T.say_columns : T.nothing_issued}`);
      }
      const made = {
        id, job: checked, template: of, print, file, lang, rows: [], faults: [], corrections: [], cursors: {},
        at: { rows: 0, faults: 0 }, pictures: [], changes: new Map(), own: null, named,
      };
      await moreRows(made, PAGE);
      if (checked.result.failed) await more(made, "faults", "invalid");
      if (checked.result.corrected) await more(made, "corrections", "corrected");
      if (mine !== turn) return;
      review = made;
      show("check-progress", false);
      show("check-result");
      drawReview();
      arrive("check");
      drawPictures(made);
    } catch (error) {
      if (mine === turn) show("check", false);
      // Without the scope the next check is one without corrections.
      if (error.denied) $("correct").checked = false;
      throw error;
    } finally {
      drawChoice();
    }
  }));

  const moreRows = async (of, limit) => {
    const cursor = of.cursors.rows ? `&cursor=${of.cursors.rows}` : "";
    const page = await get(`/jobs/${of.id}/results?limit=${limit}${cursor}`);
    of.rows.push(...page.items);
    of.cursors.rows = page.next_cursor;
  };
  const more = async (of, list, status) => {
    const before = of[list].length;
    // Pages of a filter may be empty: its next one is asked for at once.
    do {
      const cursor = of.cursors[list] ? `&cursor=${of.cursors[list]}` : "";
      const page = await get(`/jobs/${of.id}/results?status=${status}&limit=100${cursor}`);
      of[list].push(...page.items);
      of.cursors[list] = page.next_cursor;
    } while (of.cursors[list] && of[list].length === before);
  };
  // One page of rows comes at a time, whoever waits for it.
  const rowsUpTo = async (of, count) => {
    while (of.rows.length < count && of.cursors.rows) {
      of.loading ??= moreRows(of, 1000).finally(() => { of.loading = null; });
      await of.loading;
    }
  };
  const faultsUpTo = async (of, count) => {
    while (of.faults.length < count && of.cursors.faults) await more(of, "faults", "invalid");
  };
  for (const [list, upTo] of [["rows", rowsUpTo], ["faults", faultsUpTo]]) {
    const [before, , next] = $(`${list}-pages`).children;
    for (const [button, step] of [[before, -PAGE], [next, PAGE]]) {
      button.addEventListener("click", guarded(async () => {
        const of = review;
        const at = of.at[list] + step;
        button.disabled = true;
        await upTo(of, at + PAGE).finally(() => { button.disabled = false; });
        if (of !== review) return;
        of.at[list] = at;
        drawReview();
        // At an end the other way is at hand, and the table's beginning in view.
        (button.disabled ? [before, next].find((other) => !other.disabled) : button)?.focus({ preventScroll: true });
        $(list).scrollIntoView({ block: "nearest" });
      }));
    }
  }
  $("more-corrections").addEventListener("click", guarded(async () => {
    $("more-corrections").disabled = true;
    const of = review;
    try {
      await more(of, "corrections", "corrected");
    } finally {
      $("more-corrections").disabled = false;
    }
    if (of === review) drawReview();
  }));

  // The review does without a picture: it is asked for once.
  const pictureUrl = async (of, row) => {
    const spoken = of.template.language;
    const answer = await fetch(`${api}/templates/${of.template.id}/preview${spoken ? `?lang=${spoken}` : ""}`, {
      method: "POST", body: JSON.stringify({ recipient: row.recipient }), cache: "no-store",
      headers: { "X-API-Key": key, "Accept-Language": lang, "Content-Type": "application/json", Accept: "image/png" },
    }).catch(() => null);
    return answer?.ok ? URL.createObjectURL(await answer.blob()) : null;
  };
  const drawPictures = async (of) => {
    const add = async (kind, row) => {
      const url = await pictureUrl(of, row);
      if (of !== review) return URL.revokeObjectURL(url);
      of.pictures.push({ kind, row, url, failed: !url });
      $("pictures").replaceChildren(...of.pictures.map((picture) => pictureOf(picture, words)));
    };
    const early = of.rows.find(({ status, recipient }) => status === "new" && recipient);
    if (early) await add("pic_first", early);
    await rowsUpTo(of, LOOKED_THROUGH).catch(() => {});
    if (of !== review) return;
    const drawn = signedRows(of.rows.slice(0, LOOKED_THROUGH));
    const longest = longestRow(drawn);
    if (!longest) return;
    if (!early) await add("pic_first", drawn[0]);
    if (of !== review) return;
    const some = of.job.result.total > LOOKED_THROUGH;
    if (longest.row === (early ?? drawn[0]).row) of.pictures[0].kind = some ? "pic_both_of" : "pic_both";
    else await add(some ? "pic_longest_of" : "pic_longest", longest);
    if (of === review) $("pictures").replaceChildren(...of.pictures.map((picture) => pictureOf(picture, words)));
  };

  // The file's own rows as the service read them, from the results file of the check.
  const ownOf = (of) => of.own ??= (async () => {
    for (;;) {
      const { results_file: place } = (await get(`/jobs/${of.id}`)).result;
      if (place) break;
      if (place === undefined) throw refuse("no_own_rows");
      await sleep(500);
    }
    const { url } = await get(`/jobs/${of.id}/results/file`);
    const answer = await fetch(url, { cache: "no-store" }).catch(() => null);
    const own = answer?.ok ? readOwn(await answer.text()) : null;
    if (!own) throw refuse("no_own_rows");
    return own;
  })().catch((error) => {
    of.own = null;
    throw error;
  });
  const mendRow = (row, line, button) => guarded(async () => {
    const of = review;
    if (line.nextSibling?.className === "mend-row") return line.nextSibling.querySelector("input, textarea")?.focus();
    button.disabled = true;
    const own = await ownOf(of).finally(() => { button.disabled = false; });
    if (of !== review) return;
    const cells = own.rows[row.row - 1];
    if (!cells) throw refuse("no_own_rows");
    const place = element("tr", undefined, "mend-row");
    const close = () => {
      place.remove();
      button.focus();
    };
    const done = (changes) => {
      const buttons = () => [...document.querySelectorAll("#rows tbody button.small, #faults tbody button.small")];
      const next = buttons().indexOf(button) + 1;
      if (changes.size) of.changes.set(row.row, changes);
      else of.changes.delete(row.row);
      drawReview();
      // The next row is at hand, after the last one what becomes of them.
      const last = !buttons()[next] || (next > 0 && buttons()[next].closest("table") !== buttons()[next - 1].closest("table"));
      (last && of.changes.size ? $("see-copy") : buttons()[last ? next - 1 : next])?.focus();
    };
    const cell = place.insertCell();
    cell.colSpan = line.cells.length;
    const form = mendForm(own, cells, of.changes.get(row.row), words, { done, close });
    cell.append(form);
    line.after(place);
    // The field of the column that the fault names.
    const labels = [...form.querySelectorAll("label")];
    const named = labels.find((label) => row.error?.includes(`«${label.firstChild.textContent}»`)
      || row.error?.includes(`"${label.firstChild.textContent}"`));
    (named ?? labels[0])?.querySelector("input, textarea").focus();
  })();
  $("faulty-file").addEventListener("click", guarded(async () => {
    const of = review;
    $("faulty-file").disabled = true;
    try {
      const made = faultyRows(await ownOf(of), nameWith(of.file.name, T.faulty_suffix));
      const url = URL.createObjectURL(made);
      save(url, made.name);
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    } finally {
      $("faulty-file").disabled = false;
    }
  }));
  // The copy takes the place of the file, under a name of its own: it is what is checked, and then issued.
  $("see-copy").addEventListener("click", guarded(async () => {
    const of = review;
    const own = await ownOf(of);
    if (of !== review) return;
    file = correctedCopy(own, of.changes, of.named, nameWith(of.file.name, T.corrected_suffix));
    encoding = null;
    columns = { read: [], said: {} };
    sheets = { all: [], said: "" };
    hiddenRows("");
    drawSheets();
    drawColumns();
    drawChoice();
    $("dry-run").click();
  }));
  $("drop-mends").addEventListener("click", () => {
    review.changes.clear();
    drawReview();
    $("check-title").focus();
  });

  // The registrar who wants the corrections sees them first.
  $("see-corrections").addEventListener("click", () => {
    $("correct").checked = true;
    $("dry-run").click();
  });

  const drawReview = () => showReview(review, words, {
    test: isTest(), mail: $("mail").checked, sending, mend: mendRow,
  });

  $("issue").addEventListener("click", guarded(async () => {
    if (!review || sending || review.changes.size) return;
    const { print, template: of } = review;
    turn++;
    sending = true;
    $("issue").disabled = true;
    job = null;
    $("status").textContent = T.opening;
    $("bar").removeAttribute("value");
    $("totals").replaceChildren();
    show("choose", false);
    show("follow");
    for (const id of ["results", "again", "keep"]) show(id, false);
    arrive("follow");
    try {
      if (await fingerprint(file) !== print) throw loseFile("file_changed");
      if ((await get(`/templates/${of.id}`)).version !== of.version) {
        forgetReview();
        throw refuse("template_changed");
      }
      const id = await upload(false, print, $("bar"), $("status"));
      sending = false;
      forgetReview();
      history.replaceState(null, "", `#job=${id}`);
      await follow(id);
    } catch (error) {
      if (sending) {
        show("choose");
        show("follow", false);
      }
      throw error;
    } finally {
      sending = false;
      if (review) drawReview();
      drawChoice();
    }
  }));
  // The browser asks before a page goes away in the middle of an upload, or with what was mended.
  addEventListener("beforeunload", (event) => { if (sending || review?.changes.size) event.preventDefault(); });

  const time = (seconds) => seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;

  const drawJob = () => {
    const { progress: p, result } = job;
    const ended = job.status === "FAILURE" || Boolean(result);
    const mailing = p.phase === "mailing";
    if (p.total) $("bar").value = result ? 1 : (p.current + p.emails_done) / (2 * p.total);
    const parts = [`${T[p.phase]}: ${number.format(mailing ? p.emails_done : p.current)} ${T.of} ${number.format(p.total)}`];
    if (p.eta_seconds) parts.push(`${T.left} ${time(p.eta_seconds)}`);
    if (p.waiting) parts.push(`${T.waits} (${T[`waits_${p.waiting}`] ?? p.waiting})`);
    $("status").textContent = job.status === "FAILURE" ? refusal(job)
      : !result ? parts.join(" · ") : result.results_file === null ? T.writing : "";
    show("keep", !ended);
    show("again", ended);
    show("results", Boolean(result?.results_file));
    const issues = result && job.status === "SUCCESS" && !job.dry_run && !job.kind && result.successful;
    prints.offer(issues ? job.job_id : null);
    $("totals").replaceChildren(...(!result ? [] : [
      sum("issued", freshOf(result), words, "issued"),
      ...(result.duplicates ? [sum("duplicates", result.duplicates, words)] : []),
      ...(result.corrected ? [sum("corrected", result.corrected, words)] : []),
      ...(result.failed ? [sum("failed", result.failed, words, "revoked")] : []),
      sum("sent", result.emails_sent, words),
      ...(result.emails_failed ? [sum("mail_failed", result.emails_failed, words, "revoked")] : []),
    ]));
  };
  const drawUndelivered = () => {
    const { rows, mended } = undelivered;
    const later = job?.result && !isTest() ? [element("p", T.reports_later, "soft")] : [];
    $("undelivered").replaceChildren(...(rows.length ? undeliveredTable(rows, mended, words, mend) : later));
    show("more-undelivered", Boolean(undelivered.cursor));
  };
  const mend = (event, id, email, button) => guarded(async () => {
    button.disabled = true;
    try {
      const answer = await call(`/credentials/${id}`, {
        method: "PATCH", denied: "no_manage_mend", body: JSON.stringify({ email }),
        headers: { "Content-Type": "application/json" },
      });
      const { email_status: state, email_error: why } = await answer.json();
      // Corrected, and nothing is sent there: it wants another address still.
      const unsent = state === "failed";
      if (unsent) {
        const row = undelivered.rows.find((row) => row.credential_id === id);
        Object.assign(row, { email, email_error: why });
      } else {
        undelivered.mended.set(id, email);
      }
      drawUndelivered();
      // Read out, and the next one is at hand.
      $("status").textContent = unsent ? words.undelivered[why] : `${T.sent_to} ${email}`;
      ($("undelivered").querySelector("input") ?? $("undelivered").querySelector(".wide")).focus();
    } finally {
      button.disabled = false;
    }
  })(event);
  // A filtered page can be short; the first rows are enough to begin with, the others come on demand.
  const findUndelivered = async (id, mine) => {
    const found = undelivered;
    const known = found.rows.length;
    for (let pages = 0; pages < 50 && found.rows.length < known + 100; pages++) {
      const page = await get(`/jobs/${id}/results?status=undelivered&limit=100${found.cursor && `&cursor=${found.cursor}`}`);
      if (mine !== turn) return;
      found.rows.push(...page.items);
      found.cursor = page.next_cursor ?? "";
      if (!found.cursor) break;
    }
    drawUndelivered();
  };
  $("more-undelivered").addEventListener("click", guarded(async () => {
    $("more-undelivered").disabled = true;
    try {
      await findUndelivered(job.job_id, turn);
    } finally {
      $("more-undelivered").disabled = false;
    }
  }));
  const follow = async (id) => {
    const mine = ++turn;
    undelivered = noneUndelivered();
    $("undelivered").replaceChildren();
    show("more-undelivered", false);
    show("choose", false);
    show("check", false);
    show("follow");
    arrive("follow");
    for (;;) {
      const found = await get(`/jobs/${id}`).catch((error) => {
        if (mine === turn) begin();
        throw error;
      });
      if (mine !== turn) return;
      job = found;
      drawJob();
      if (job.status === "FAILURE") return;
      // A job without a file has no results file, and one that is being written comes.
      if (job.result && job.result.results_file !== null) {
        if (job.result.results_file) $("results").focus();
        if (!job.dry_run && job.kind !== "revoke") await findUndelivered(id, mine);
        return;
      }
      await sleep(1000);
    }
  };
  $("results").addEventListener("click", guarded(async () => {
    const found = await get(`/jobs/${job.job_id}/results/file`);
    save(found.url, found.file_name);
  }));
  $("again").addEventListener("click", guarded(async () => {
    file = null;
    begin();
  }));

  // Everything that the script wrote, again: in another language.
  const draw = () => {
    drawProblem();
    if (!key) return;
    personal.draw();
    drawTemplates();
    drawChoice();
    drawColumns();
    drawSheets();
    if (review) drawReview();
    if (job) {
      drawJob();
      drawUndelivered();
    }
  };
  // Another language changes the texts in place: key, file and review stay.
  const links = document.querySelector(".langs");
  links.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    speak(link.hreflang);
    history.replaceState(null, "", `?lang=${lang}${location.hash}`);
    document.documentElement.lang = lang;
    document.title = T.title;
    links.parentElement.setAttribute("aria-label", T.language_of_page);
    for (const spoken of document.querySelectorAll("[data-t]")) spoken.textContent = T[spoken.dataset.t];
    for (const labelled of document.querySelectorAll("[data-label]")) {
      labelled.setAttribute("aria-label", T[labelled.dataset.label]);
    }
    for (const item of links.children) {
      const present = item.lang === lang;
      const name = element(present ? "span" : "a", item.textContent);
      if (present) {
        name.setAttribute("aria-current", "true");
        name.tabIndex = -1;
      } else {
        name.href = `?lang=${item.lang}`;
        name.hreflang = item.lang;
      }
      item.replaceChildren(name);
      if (present) name.focus();
    }
    draw();
  });
})();
