"use strict";
(() => {
  const root = document.getElementById("console");
  const T = JSON.parse(root.dataset.texts);
  const COLUMNS = JSON.parse(root.dataset.columns);
  const lang = root.dataset.lang;
  const api = new URL(location.pathname.replace(/\/console$/, "/api/v1"), location.href).href;
  const $ = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat(lang);
  const MAX = 500 * 1024 * 1024;
  let key = "";
  let templates = [];
  let file = null;
  // Whoever starts something new leaves what was followed before.
  let turn = 0;

  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const show = (id, shown = true) => { $(id).hidden = !shown; };
  const say = (text) => { $("problem").textContent = text; show("problem", Boolean(text)); };
  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  class Refused extends Error {}

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
        const problem = await response.json().catch(() => ({}));
        const texts = { 401: T.bad_key, 403: T.no_scope };
        throw new Refused(texts[response.status] || problem.detail || String(response.status));
      }
      if (attempt === 40) throw new Refused(T.unreachable);
      say(T.unreachable);
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
      say(error.message);
    }
  };

  $("key-form").addEventListener("submit", guarded(async () => {
    key = $("key").value.trim();
    templates = [];
    let cursor = null;
    do {
      const page = await get(`/templates?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      templates.push(...page.items.filter((t) => !t.archived));
      cursor = page.next_cursor;
    } while (cursor);
    $("key").value = "";
    show("sign-in", false);
    const test = key.startsWith("uc_test_");
    $("mode").textContent = test ? T.test : T.live;
    $("mode").className = test ? "mode trial" : "mode issued";
    const followed = location.hash.match(/^#job=([0-9a-f-]{36})$/);
    if (followed) return follow(followed[1]);
    begin();
  }));

  const begin = () => {
    turn++;
    history.replaceState(null, "", location.pathname + location.search);
    for (const id of ["check", "follow"]) show(id, false);
    show("choose");
    if (!templates.length) return say(T.no_templates);
    const chosen = $("template").value;
    $("template").replaceChildren(...templates.map((t) => {
      const option = element("option", t.name);
      option.value = t.id;
      return option;
    }));
    if (chosen) $("template").value = chosen;
    columns();
    $("template").focus();
  };

  const columns = () => {
    const template = templates.find((t) => t.id === $("template").value);
    const fields = (template?.fields || []).filter((f) => f.name !== "email");
    const names = [{ name: "email", required: true }, ...fields]
      .map((f) => (COLUMNS[f.name] ?? f.name) + (f.required ? ` (${T.required})` : ""));
    $("columns").textContent = `${T.takes}: ${names.join(", ")}`;
  };
  $("template").addEventListener("change", () => {
    columns();
    // What was checked was checked against another one.
    turn++;
    show("check", false);
  });

  const save = (blob, name) => {
    const link = element("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  $("example").addEventListener("click", guarded(async () => {
    const response = await call(`/templates/${$("template").value}/csv`);
    save(await response.blob(), lang === "en" ? "template.csv" : "plantilla.csv");
  }));

  const choose = (picked) => {
    file = picked || null;
    $("chosen").textContent = file ? `${T.chosen}: ${file.name} (${size(file.size)})` : "";
    const fault = !file ? "" : file.size > MAX ? T.too_large : file.size === 0 ? T.empty : "";
    say(fault);
    $("dry-run").disabled = !file || Boolean(fault);
    turn++;
    show("check", false);
  };
  const size = (bytes) => bytes < 1e6
    ? `${number.format(Math.ceil(bytes / 1e3))} KB` : `${number.format(Math.round(bytes / 1e5) / 10)} MB`;
  $("file").addEventListener("change", () => choose($("file").files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    $("drop").addEventListener(kind, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop") choose(event.dataTransfer.files[0]);
    });
  }

  const send = (upload, progress) => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      // The browser sets these itself, and lets nobody else.
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? done() : failed(new Refused(T.upload_failed)));
    request.onerror = () => failed(new Refused(T.upload_failed));
    request.send(file);
  });

  // Uploads the file and gives the id of its job.
  const upload = async (dryRun, bar, status) => {
    const allowed = await (await call("/uploads", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        template_id: $("template").value, file_name: file.name, size: file.size,
        send_email: $("mail").checked, dry_run: dryRun,
      }),
    })).json();
    status.textContent = T.uploading;
    await send(allowed.upload, (part) => {
      bar.value = part;
      status.textContent = `${T.uploading}: ${Math.round(part * 100)} %`;
    });
    bar.removeAttribute("value");
    status.textContent = T.waiting;
    for (;;) {
      const upload = await get(`/uploads/${allowed.upload_id}`);
      if (upload.job_id) return upload.job_id;
      await sleep(500);
    }
  };

  const refusal = (job) => `${T.refused}. ${job.error.replace(/[.\s]*$/, ".")}`;

  $("dry-run").addEventListener("click", guarded(async () => {
    const mine = ++turn;
    const [bar, status] = [$("check-bar"), $("check-status")];
    $("dry-run").disabled = true;
    show("check");
    show("check-progress");
    show("check-result", false);
    try {
      const id = await upload(true, bar, status);
      let job;
      for (;;) {
        job = await get(`/jobs/${id}`);
        if (mine !== turn) return;
        if (job.status === "SUCCESS" || job.status === "FAILURE") break;
        const { current, total } = job.progress;
        if (total) bar.value = current / total;
        status.textContent = `${T.checking}: ${number.format(current)} ${T.of} ${number.format(total)}`;
        await sleep(1000);
      }
      if (job.status === "FAILURE") {
        show("check", false);
        throw new Refused(`${refusal(job)} ${T.nothing_issued}`);
      }
      await report(id, job.result);
      if (mine !== turn) return;
      show("check-progress", false);
      show("check-result");
    } catch (error) {
      show("check", false);
      throw error;
    } finally {
      $("dry-run").disabled = !file;
    }
  }));

  const sum = (count, text, className) => {
    const entry = element("li", undefined, className);
    entry.append(element("strong", number.format(count)), ` ${text}`);
    return entry;
  };

  const table = (title, heads, rows) => {
    const wide = element("div", undefined, "wide");
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", title);
    const made = element("table");
    const head = element("tr");
    head.append(...heads.map((name) => {
      const cell = element("th", name);
      cell.scope = "col";
      return cell;
    }));
    const thead = element("thead");
    thead.append(head);
    const body = element("tbody");
    body.append(...rows);
    made.append(thead, body);
    wide.append(made);
    return [element("h3", title), wide];
  };
  const cells = (...texts) => {
    const row = element("tr");
    row.append(...texts.map((text) => element("td", text ?? "")));
    return row;
  };
  const note = (item) => item.error
    || (item.also_holds?.length ? `${T.also}: ${item.also_holds.join(", ")}` : "");

  const report = async (id, result) => {
    const fresh = result.successful - result.duplicates;
    $("sums").replaceChildren(
      sum(fresh, T.new, "issued"),
      ...(result.duplicates ? [sum(result.duplicates, T.duplicates)] : []),
      ...(result.failed ? [sum(result.failed, T.invalid, "revoked")] : []),
    );
    const first = await get(`/jobs/${id}/results?limit=10`);
    $("rows").replaceChildren(...table(
      T.first_rows, [T.row, T.email, T.outcome, T.why],
      first.items.map((r) => cells(number.format(r.row), r.email, T[`r_${r.status}`], note(r))),
    ));
    $("faults").replaceChildren();
    if (result.failed) {
      const [title, wide] = table(`${T.faults} (${number.format(result.failed)})`, [T.line, T.email, T.why], []);
      const body = wide.querySelector("tbody");
      const more = element("button", T.more, "button");
      more.type = "button";
      let cursor = "";
      const page = async () => {
        // Pages of a filter may be empty: its next one is asked for at once.
        const before = body.rows.length;
        while (cursor !== null && body.rows.length === before) {
          const found = await get(`/jobs/${id}/results?status=invalid&limit=100${cursor && `&cursor=${cursor}`}`);
          body.append(...found.items.map((r) => cells(number.format(r.line ?? r.row), r.email, r.error)));
          cursor = found.next_cursor;
        }
        more.hidden = cursor === null;
      };
      more.addEventListener("click", guarded(page));
      $("faults").append(title, wide, more);
      await page();
    }
    $("issue").textContent = fresh === 0 ? T.none_to_issue
      : fresh === 1 ? T.issue_1 : T.issue_n.replace("{n}", number.format(fresh));
    $("issue").disabled = fresh === 0;
    $("issue").focus();
  };

  $("issue").addEventListener("click", guarded(async () => {
    turn++;
    $("issue").disabled = true;
    show("choose", false);
    show("follow");
    $("totals").replaceChildren();
    show("results", false);
    show("again", false);
    try {
      const id = await upload(false, $("bar"), $("status"));
      show("check", false);
      history.replaceState(null, "", `#job=${id}`);
      await follow(id);
    } catch (error) {
      $("issue").disabled = false;
      show("choose");
      show("follow", false);
      throw error;
    }
  }));

  const time = (seconds) => seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;

  const follow = async (id) => {
    const mine = ++turn;
    show("choose", false);
    show("follow");
    show("keep");
    for (;;) {
      const job = await get(`/jobs/${id}`).catch((error) => {
        begin();
        throw error;
      });
      if (mine !== turn) return;
      const p = job.progress;
      const mailing = p.phase === "mailing";
      if (p.total) $("bar").value = (p.current + p.emails_done) / (2 * p.total);
      const parts = [`${T[p.phase]}: ${number.format(mailing ? p.emails_done : p.current)} ${T.of} ${number.format(p.total)}`];
      if (p.eta_seconds) parts.push(`${T.left} ${time(p.eta_seconds)}`);
      if (p.waiting) parts.push(`${T.waits} (${p.waiting})`);
      $("status").textContent = parts.join(" · ");
      if (job.status === "FAILURE") {
        show("again");
        show("keep", false);
        $("status").textContent = refusal(job);
        return;
      }
      const result = job.result;
      if (result) {
        $("bar").value = 1;
        $("status").textContent = result.results_file === null ? T.writing : "";
        show("keep", false);
        $("totals").replaceChildren(
          sum(result.successful - result.duplicates, T.issued, "issued"),
          ...(result.duplicates ? [sum(result.duplicates, T.duplicates)] : []),
          ...(result.failed ? [sum(result.failed, T.failed, "revoked")] : []),
          sum(result.emails_sent, T.sent),
          ...(result.emails_failed ? [sum(result.emails_failed, T.mail_failed, "revoked")] : []),
        );
        show("again");
        if (result.results_file) {
          $("results").onclick = guarded(async () => {
            const found = await get(`/jobs/${id}/results/file`);
            const link = element("a");
            link.href = found.url;
            link.download = found.file_name;
            link.click();
          });
          show("results");
          $("results").focus();
          return;
        }
        if (result.results_file === undefined) return;
      }
      await sleep(1000);
    }
  };

  $("again").addEventListener("click", guarded(async () => {
    file = null;
    $("file").value = "";
    choose(null);
    begin();
  }));
})();
