// How each column of a file is read, and what the registrar says of it.

// What a column can be read as: the fields of the template, and the parts of a name.
const targetsOf = (template, { texts: T, columns }) => {
  const fields = (template?.fields ?? []).map((field) => field.name).filter((name) => name !== "email");
  const named = (name) => [name, columns[name] ?? name];
  const parts = fields.includes("recipient_name")
    ? ["given_name", "middle_name", "family_name", "second_family_name", "family_name_first"] : [];
  const evidence = fields.includes("evidence")
    ? ["evidence_name", "evidence_url", "evidence_description"] : [];
  return [
    named("email"), ...fields.filter((name) => name !== "evidence").map(named),
    ...[...parts, ...evidence].map((name) => [name, T[`to_${name}`]]),
    // Every template takes these.
    ...["awarded_on", "valid_until"].filter((name) => !fields.includes(name)).map(named),
    named("external_id"), named("language"), ["ignore", T.to_ignore],
  ];
};

// The table of a file's columns, each with a choice. `said` holds the choices by the column's name.
const columnsTable = (read, said, template, words, change) => {
  const { texts: T, number } = words;
  const targets = targetsOf(template, words);
  const [, wide] = table(T.columns_read, [T.column, T.first_values, T.read_as],
    read.map(({ column, name, values }) => [name || number.format(column), values.join(" · "), ""]));
  [...wide.querySelectorAll("tbody tr")].forEach((row, at) => {
    const { name, read_as: present, decided_by: by } = read[at];
    const options = targets.map(([to, text]) =>
      [to, to !== "ignore" ? text : namesCredentials(name) ? T.to_credential
        : namesVersions(name) ? T.to_version : text]);
    if (present && !options.some(([to]) => to === present)) options.push([present, present]);
    const select = element("select");
    select.setAttribute("aria-label", `${T.read_as}: ${name}`);
    select.append(...[...(by === "open" ? [["", T.choose_column]] : []), ...options].map(([to, text]) => {
      const option = element("option", text);
      option.value = to;
      return option;
    }));
    select.value = said[name] ?? present ?? "";
    // A column without a name cannot be named in a map.
    select.disabled = !name;
    select.addEventListener("change", () => change(name, select.value));
    row.lastChild.append(select);
  });
  return wide;
};
