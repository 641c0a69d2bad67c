// What the registrar says of columns, kept under a name in this browser: names of columns and what they are, of no person.

const ASSIGNMENTS = "unicreda.columns";
const plainName = (name) => name.normalize("NFD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const savedAssignments = {
  // A browser may refuse its store, or hold what another page wrote.
  all() {
    try {
      const found = JSON.parse(localStorage.getItem(ASSIGNMENTS) ?? "{}");
      return found && typeof found === "object" && !Array.isArray(found) ? found : {};
    } catch {
      return {};
    }
  },
  put(all) {
    try {
      localStorage.setItem(ASSIGNMENTS, JSON.stringify(all));
      return true;
    } catch {
      return false;
    }
  },
  save(name, map) { return this.put({ ...this.all(), [name]: map }); },
  forget(name) {
    const { [name]: _, ...others } = this.all();
    return this.put(others);
  },
  // What is kept of those columns that the file has, by the names that it gives them.
  of(name, read) {
    const kept = new Map(Object.entries(this.all()[name] ?? {}).map(([column, to]) => [plainName(column), to]));
    return Object.fromEntries(read.map(({ name: column }) => [column, kept.get(plainName(column))])
      .filter(([column, to]) => column && typeof to === "string"));
  },
};
