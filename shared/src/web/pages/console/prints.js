// The certificates of a job in one archive: ordered, followed, and handed over.

// The part below a job's totals; `offer` shows it for a job that has certificates, `draw` writes it again in the
// language of the moment.
const jobPrints = ({ call, get, present, fail }) => {
  // The job, and what is known of its archive.
  let of = null;
  let shown = null;
  const begin = $("print");

  const draw = () => {
    const { texts: T, number, size } = present();
    show("prints", Boolean(of));
    if (!of) return;
    const running = shown && !["SUCCESS", "FAILURE"].includes(shown.status);
    const { current = 0, total = 0 } = shown?.progress ?? {};
    show("print", !running);
    begin.textContent = shown?.status === "SUCCESS" ? T.print_again : T.print;
    show("print-bar", Boolean(running));
    if (running && current) $("print-bar").value = current / total;
    else $("print-bar").removeAttribute("value");
    const said = [];
    if (running) said.push(`${T.printing}: ${number.format(current)} ${T.of} ${number.format(total)}`);
    if (shown?.status === "FAILURE") said.push(shown.failure.error);
    if (shown?.status === "SUCCESS") {
      said.push(`${number.format(shown.certificates)} ${shown.certificates === 1 ? T.print_done_1 : T.print_done}`);
      if (shown.left_out) said.push(`${number.format(shown.left_out)} ${shown.left_out === 1 ? T.print_left_1 : T.print_left}`);
    }
    $("print-status").textContent = said.join(" · ");
    $("print-files").replaceChildren(...(shown?.files ?? []).map(({ bytes }, at) => {
      const several = shown.files.length > 1 ? ` ${number.format(at + 1)}` : "";
      const button = element("button", `${T.print_file}${several} (${size(bytes)})`, "button first");
      button.type = "button";
      button.addEventListener("click", () => fail(async () => {
        // A link ends after a quarter of an hour: the button asks for another.
        const { files } = await get(`/jobs/${of}/certificates?lang=${shown.lang}`);
        save(files[at].url, files[at].file_name);
      }));
      return button;
    }));
    show("print-kept", shown?.status === "SUCCESS");
  };

  const follow = async (mine) => {
    while (of === mine && !["SUCCESS", "FAILURE"].includes(shown.status)) {
      draw();
      await sleep(1000);
      const now = await get(`/jobs/${mine}/certificates?lang=${shown.lang}`);
      if (of === mine) shown = now;
    }
    if (of === mine) draw();
  };
  begin.addEventListener("click", () => fail(async () => {
    begin.disabled = true;
    try {
      const mine = of;
      const ordered = await (await call(`/jobs/${mine}/certificates`, { method: "POST" })).json();
      if (of !== mine) return;
      shown = ordered;
      await follow(mine);
    } finally {
      begin.disabled = false;
    }
  }));

  const offer = (id) => {
    if (of !== id) [of, shown] = [id, null];
    draw();
  };
  return { offer, draw };
};
