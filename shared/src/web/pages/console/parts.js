"use strict";
// What the script makes of elements and of files; it knows nothing of the work.
const $ = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const show = (id, shown = true) => { $(id).hidden = !shown; };
const element = (tag, text, className) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};
const save = (url, name) => {
  const link = element("a");
  link.href = url;
  link.download = name;
  link.click();
};
// Tells the bytes of a file from others (FNV-1a and the length); none if they can no longer be
// read, as when another program saved the file since.
const fingerprint = async (of) => {
  let [hash, length] = [0x811c9dc5, 0];
  try {
    const reader = of.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return `${length} ${hash >>> 0}`;
      length += value.length;
      for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value[at], 16777619);
    }
  } catch {
    return null;
  }
};
// Sends a file to an upload's address.
const send = (file, upload, progress) => new Promise((done, failed) => {
  const request = new XMLHttpRequest();
  request.open(upload.method, upload.url);
  for (const [name, value] of Object.entries(upload.headers)) {
    // The browser sets these itself, and lets nobody else.
    if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
  }
  request.upload.onprogress = (event) => progress(event.loaded / event.total);
  request.onload = () => (request.status < 300 ? done() : failed());
  request.onerror = () => failed();
  request.send(file);
});
// Whether a column of this name names the credentials of its rows, as in results files.
const namesCredentials = (name) => /^\W*credential[\s_-]*id\W*$/i.test(name);
const namesVersions = (name) => /^\W*credential[\s_-]*version\W*$/i.test(name);
// A number and what it counts: the words for one and for several have names that differ by `_1`.
const sum = (name, count, { texts: T, number }, className) => {
  const entry = element("li", undefined, className);
  const one = count === 1 ? T[`${name}_1`] : undefined;
  entry.append(element("strong", number.format(count)), ` ${one ?? T[name]}`);
  return entry;
};
const fact = (name, text) => {
  const entry = element("div");
  entry.append(element("dt", name), element("dd", text));
  entry.lastChild.dir = "auto";
  return entry;
};
const table = (title, heads, rows, spoken) => {
  const wide = element("div", undefined, "wide");
  wide.tabIndex = 0;
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", title);
  const made = element("table");
  made.createTHead().insertRow().append(...heads.map((name) => {
    const cell = element("th", name);
    cell.scope = "col";
    return cell;
  }));
  const body = made.createTBody();
  for (const texts of rows) {
    body.insertRow().append(...texts.map((text, at) => {
      const cell = element("td", text ?? "");
      cell.dir = "auto";
      // A long text would push the other columns out of sight.
      if (text?.length > 40) cell.className = "long";
      // On a phone each row is a card, whose cells say what they are.
      cell.dataset.head = heads[at];
      // The service wrote its texts in the language of the review.
      if (spoken) cell.lang = spoken;
      return cell;
    }));
  }
  wide.append(made);
  return [element("h3", title), wide];
};
