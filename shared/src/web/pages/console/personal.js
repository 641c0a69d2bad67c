// Personal data: what is held about a person is shown, given to them, or erased at their request.

// A credential may stand for the person.
const namesOne = (whom) => /^[0-9a-f-]{36}$/i.test(whom);
const isAddress = (whom) => /^[^\s@]+@[^\s@]+$/.test(whom);

// The section; it knows of the page what it is given. `offer` shows it, `draw` writes it again in the
// language of the moment.
const personalData = ({ call, get, refuse, present, titleOf }) => {
  // What was looked for and found, and the job about it.
  let found = null;
  let work = null;
  let problem = null;
  // Which field it is about; it stands beside that one.
  let place = "person";
  let busy = false;

  const ended = () => ["SUCCESS", "FAILURE"].includes(work?.job?.status);
  const title = (id, text) => { $(id).textContent = text; };
  const count = (name, number) => {
    const { texts: T, number: written } = present();
    return `${written.format(number)} ${(number === 1 && T[`${name}_1`]) || T[name]}`;
  };
  const drawHeld = () => {
    const { texts: T, days } = present();
    const { whom, held, one } = found;
    title("person-held-title", `${T.person_held} ${whom}`);
    const erased = held.filter(({ status }) => status === "erased").length;
    title("person-count", one ? (erased ? T.person_gone : "") : count("person_credentials", held.length));
    $("person-list").replaceChildren(...(!held.length ? [] : table(T.person_list,
      [T.person_credential, T.person_state, T.person_issued],
      held.map(({ template_id: id, status, blocked_at: blocked, issued_at: at }) => [
        titleOf(id), blocked ? T.st_blocked : T[`st_${status}`] ?? status, days.format(new Date(at)),
      ]))));
    [...$("person-list").querySelectorAll("tbody tr")].forEach((row, at) => {
      if (held[at].status === "erased") return;
      const link = element("a", T.see_credential);
      link.href = held[at].credential_url;
      row.cells[0].append(" ", link);
    });
    title("person-besides", one ? T.person_one_only : T.person_besides);
    show("person-export", !one);
    show("person-begin", !(one && erased));
  };
  const drawErase = () => {
    const { texts: T } = present();
    const { whom, held, one } = found;
    title("erase-again-label", one ? T.erase_again_one : T.erase_again);
    const name = one ? T.erase_one : held.length === 1 ? T.erase_person_1 : held.length ? T.erase_person_n : T.erase_person_0;
    title("erase-now", name.replace("{n}", present().number.format(held.length)).replace("{whom}", () => whom));
  };
  const drawWork = () => {
    const { texts: T } = present();
    const { kind, whom, job } = work;
    const { progress: p, result, status } = job ?? {};
    const exports = kind === "export";
    title("person-work-title", `${exports ? T.person_exporting : T.person_erasing} ${whom}`);
    show("person-bar", !ended());
    show("person-goes-on", !ended());
    if (p?.total) $("person-bar").value = p.current / p.total;
    const phase = exports ? (p?.phase === "late" ? T.ph_writing : T.ph_gathering) : T[`ph_${p?.phase}`] ?? T.ph_noted;
    title("person-status", status === "FAILURE" ? T.person_failed
      : !ended() ? [phase, ...(p?.waiting ? [T.person_waiting] : [])].join(" · ")
        : exports ? T.person_ready
          : result.keep_valid ? T.person_erased_valid : T.person_erased_revoked);
    const sums = !result ? [] : [
      ["person_credentials", result.credentials], ["person_profiles", result.members], ["person_rows", result.rows],
      ["person_files", exports ? 0 : result.files_deleted],
    ];
    $("person-sums").replaceChildren(...sums.filter(([, n], at) => n || !at)
      .map(([name, n]) => sum(name, n, present())));
    show("person-file", exports && status === "SUCCESS");
    show("person-kept", exports && status === "SUCCESS");
  };
  const draw = () => {
    for (const id of ["person", "erase-reason", "erase-again"]) {
      const here = Boolean(problem) && place === id;
      title(`${id}-problem`, here ? problem() : "");
      show(`${id}-problem`, here);
    }
    for (const id of ["person-see", "person-export", "person-begin", "erase-now"]) $(id).disabled = busy;
    const free = !work || ended();
    show("person-held", Boolean(found) && free);
    show("erase-form", Boolean(found?.erasing) && free);
    show("person-work", Boolean(work));
    if (found) drawHeld();
    if (found?.erasing) drawErase();
    if (work) drawWork();
  };
  // What is new comes into view, and is read out.
  const arriveAt = (id) => {
    draw();
    $(id).focus({ preventScroll: true });
    $(id).scrollIntoView({ block: "nearest" });
  };
  const guarded = (act) => async (event) => {
    event?.preventDefault();
    if (busy) return;
    const from = document.activeElement;
    busy = true;
    problem = null;
    place = "person";
    draw();
    try {
      await act();
    } catch (error) {
      if (!error.what) throw error;
      problem = () => (typeof error.what === "function" ? error.what() : error.what);
    } finally {
      busy = false;
      draw();
      if (problem) {
        // A button that was out of use lost the focus.
        if (document.activeElement === document.body) from.focus();
        $(`${place}-problem`).scrollIntoView({ block: "nearest" });
      }
    }
  };

  // A field that is filled in wrongly gets the focus, and the problem beside it.
  const wrong = (id, name) => {
    place = id;
    $(id).focus();
    return refuse(name);
  };
  $("person-form").addEventListener("submit", guarded(async () => {
    const whom = $("person").value.trim();
    found = work = null;
    draw();
    const one = namesOne(whom);
    if (!one && !isAddress(whom)) throw wrong("person", "person_wrong");
    let held = [];
    if (one) {
      held = [await get(`/credentials/${whom}`)];
    } else {
      let cursor = null;
      do {
        const further = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
        const page = await get(`/credentials?email=${encodeURIComponent(whom)}&limit=100${further}`);
        held.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor);
    }
    found = { whom, one, held, erasing: false };
    for (const id of ["erase-reason", "erase-again"]) $(id).value = "";
    $("erase-keep").checked = true;
    arriveAt("person-held-title");
  }));

  // One attempt of the person is one job, also where the connection is lost meanwhile.
  const once = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  const follow = async (kind, path, options) => {
    const headers = { "Idempotency-Key": once(), ...options.headers };
    const { job_id: id } = await (await call(path, { denied: "no_manage_person", ...options, headers })).json();
    work = { kind, whom: found.whom, id, job: null };
    $("person-bar").removeAttribute("value");
    arriveAt("person-work-title");
    for (;;) {
      work.job = await get(`/jobs/${id}`);
      if (ended()) break;
      draw();
      await sleep(1000);
    }
    if (kind === "erase" && work.job.status === "SUCCESS") found = null;
    arriveAt(kind === "export" && work.job.status === "SUCCESS" ? "person-file" : "person-work-title");
  };
  $("person-export").addEventListener("click", guarded(() =>
    follow("export", `/people/${encodeURIComponent(found.whom)}/export`, {})));
  // A link is good for minutes: each press gets its own.
  $("person-file").addEventListener("click", guarded(async () => {
    const link = await get(`/jobs/${work.id}/results/file`);
    save(link.url, link.file_name);
  }));
  $("person-begin").addEventListener("click", () => {
    if (busy) return;
    found.erasing = true;
    problem = null;
    arriveAt("erase-title");
  });
  $("erase-cancel").addEventListener("click", () => {
    found.erasing = false;
    problem = null;
    arriveAt("person-held-title");
  });
  $("erase-form").addEventListener("submit", guarded(async () => {
    const { whom, one } = found;
    const reason = $("erase-reason").value.trim();
    if (!reason) throw wrong("erase-reason", "erase_no_reason");
    if ($("erase-again").value.trim().toLowerCase() !== whom.toLowerCase()) {
      throw wrong("erase-again", "erase_other");
    }
    const body = { reason, keep_valid: $("erase-keep").checked, ...(!one && { email: whom }) };
    await follow("erase", one ? `/credentials/${whom}/erase` : "/people/erase", {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    });
  }));
  return { offer: () => show("personal"), draw };
};
