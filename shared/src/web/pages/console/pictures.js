// Pictures of what will be signed: the certificate of the first row, and of that with the most letters.

// Rows that are looked through for the longest certificate.
const LOOKED_THROUGH = 10_000;

const lettersOf = ({ email, external_id: id, language, evidence, custom, ...shown }) =>
  [...Object.values(shown), ...Object.values(custom ?? {})].reduce((sum, value) => sum + String(value).length, 0);
// Rows that get a new credential; where there are none, those that are corrected.
const signedRows = (rows) => {
  const drawn = rows.filter(({ status, recipient }) => recipient && (status === "new" || status === "corrected"));
  const fresh = drawn.filter(({ status }) => status === "new");
  return fresh.length ? fresh : drawn;
};
const longestRow = (rows) => rows.reduce((longest, row) =>
  !longest || lettersOf(row.recipient) > lettersOf(longest.recipient) ? row : longest, undefined);

// A figure that links to its own picture, in full size.
const pictureOf = ({ kind, row, url, failed }, { texts: T, number }) => {
  const figure = element("figure");
  const said = `${T[kind]}: ${T.line.toLowerCase()} ${number.format(row.line ?? row.row)}`;
  if (failed) figure.append(element("p", T.picture_failed, "soft"));
  else {
    const [link, image] = [element("a"), element("img")];
    link.href = url;
    link.target = "_blank";
    image.src = url;
    image.alt = `${T.picture_of} ${row.recipient.recipient_name ?? row.email}`;
    link.append(image);
    figure.append(link);
  }
  const caption = element("figcaption", said);
  caption.append(element("br"), element("bdi", row.recipient.recipient_name ?? row.email));
  figure.append(caption);
  return figure;
};
