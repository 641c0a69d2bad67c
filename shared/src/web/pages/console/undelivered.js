// Mail that did not arrive: whose, why, and the right address, to which the credential is then sent.

// Reasons for which another address helps.
const MENDABLE = ["hard_bounce", "soft_bounce", "complaint", "account_suppressed", "suppressed", "rejected"];

// The table of such rows. `mended` holds the right addresses that were given, by credential.
const undeliveredTable = (rows, mended, { texts: T, undelivered, number }, correct) => {
  const heads = [T.line, T.address, T.why, T.right_address];
  const made = table(T.undelivered, heads, rows.map(({ line, row, email, email_error: why }) => [
    number.format(line ?? row), email, undelivered[why] ?? undelivered.gave_up, "",
  ]));
  [...made[1].querySelectorAll("tbody tr")].forEach((line, at) => {
    const { credential_id: id, credential_url: url, email, email_error: why } = rows[at];
    const link = element("a", T.see_credential);
    link.href = url;
    line.cells[2].append(" ", link);
    const place = line.lastChild;
    if (mended.has(id)) {
      place.append(`${T.sent_to} `, element("bdi", mended.get(id)));
      return;
    }
    if (!MENDABLE.includes(why)) return;
    const form = element("form", undefined, "line");
    const input = element("input");
    input.type = "email";
    input.required = true;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.setAttribute("aria-label", `${T.right_address}: ${email}`);
    const button = element("button", T.correct_and_send, "button");
    button.type = "submit";
    form.append(input, button);
    form.addEventListener("submit", (event) => correct(event, id, input.value.trim(), button));
    place.append(form);
  });
  return made;
};
