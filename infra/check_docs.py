"""Holds the documents to the tree: every link leads somewhere, every path and every `module::name` exists,
what keeps a guarantee or shows that an attack fails is a test, docs/api.md names every route, docs/operate.md every alarm, docs/logging.md every log message, and README and its pictures
stay small. Prints what it compared, or every difference and exits with 1.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"target", ".venv", "node_modules", ".local", ".aws-sam"}
README_BYTES = 11_000
PICTURES_BYTES = 200_000

# A folder of Rust, and the module path that its files have in documents.
SOURCES = [
    ("shared/src", ["unicreda"]),
    ("shared/openapi/src", ["openapi"]),
    ("local/src", ["local"]),
    ("local/tests/suite", ["suite"]),
    ("cli/src", ["cli"]),
    ("cli/tests/suite", ["cli"]),
    *((f"functions/{path.parent.parent.name}/src", [path.parent.parent.name])
      for path in sorted(ROOT.glob("functions/*/src/lib.rs"))),
]

problems: list[str] = []


def read(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.is_file() else ""


def documents() -> Iterator[tuple[str, str]]:
    """Path and text of each document. What builds leave is not looked into: a build may be under way."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            if name.endswith(".md"):
                file = Path(folder) / name
                yield str(file.relative_to(ROOT)), file.read_text()


def modules() -> list[tuple[list[str], str]]:
    """Module path and text of each source file: shared/src/store/jobs.rs is unicreda::store::jobs."""
    found = []
    for folder, start in SOURCES:
        for file in (ROOT / folder).rglob("*.rs"):
            parts = list(file.relative_to(ROOT / folder).with_suffix("").parts)
            if parts[-1] in ("mod", "lib", "main"):
                parts.pop()
            found.append((start + parts, file.read_text()))
    return found


def defines(text: str, name: str) -> bool:
    """Whether a source defines a name: an item, a field, a variant, or a name that it exports again."""
    word = re.escape(name)
    item = rf"\b(?:fn|struct|enum|trait|type|const|static|mod|macro_rules!) (?:mut )?{word}\b"
    field = rf"^\s+pub(?:\([a-z]+\))? {word}:"
    variant = rf"^    {word}(?:,|\(| \{{)" if name[0].isupper() else r"(?!)"
    export = rf"^pub(?:\([a-z]+\))? use [^;]*\b{word}\b[^;]*;"
    return any(re.search(pattern, text, flags=re.M) for pattern in (item, field, variant, export))


def exists(name: str, tree: list[tuple[list[str], str]]) -> bool:
    """Whether `a::b::c` is a module, or something that the module `a::b` or the type `a::b` has."""
    parts = name.split("::")
    for path, text in tree:
        # The longest beginning of the name that this file's module path ends with.
        for known in range(len(parts), -1, -1):
            if path[len(path) - known:] == parts[:known]:
                break
        rest = parts[known:]
        # Without its module, a name begins with a type.
        if (known or parts[0][0].isupper()) and all(defines(text, part) for part in rest):
            return True
        # The folder of a module without a file of its own.
        if any(path[at:at + len(parts)] == parts for at in range(len(path))):
            return True
    return False


def named(text: str) -> set[str]:
    """The names with `::` in a document's code, braces expanded, arguments taken off."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    names = set()
    for code in re.findall(r"`([^`\n]+)`", prose):
        found = re.fullmatch(r"(\w+(?:::\w+)*)::(\w+|\{[\w, :]+\})(?:\(.*\))?", code)
        if found and not code.startswith("AWS::"):
            ends = found[2].strip("{}").split(",")
            names |= {f"{found[1]}::{end.strip()}" for end in ends}
    return names


def check_names() -> int:
    tree = modules()
    count = 0
    for path, text in documents():
        for name in sorted(named(text)):
            count += 1
            if not exists(name, tree):
                problems.append(f"{path}: there is no {name}")
    return count


def check_tests() -> int:
    """What keeps a guarantee, the last column of the first table in docs/guarantees.md, is a test; so is what
    shows that an attack fails, the third column of the tables in docs/security.md, or a step of the rehearsal."""
    tree = modules()
    tests = {
        f"{'::'.join(path)}::{name}"
        for path, text in tree
        for name in re.findall(
            r"#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(", text
        )
    }
    [table] = re.findall(r"^## Guarantees$(.*?)^## ", read("docs/guarantees.md"), flags=re.M | re.S)
    rows = re.findall(r"^\| .* \| .* \| (`.*) \|$", table, flags=re.M)
    security = read("docs/security.md")
    shown = [row.split(" | ")[2] for row in re.findall(r"^\| (.* \| .* \| .* \|.*)\|$", security, flags=re.M)]
    count = 0
    for document, cells in (("docs/guarantees.md", rows), ("docs/security.md", shown)):
        names = [name for cell in cells for name in re.findall(r"`([a-z_]+(?:::\w+)+)`", cell)]
        count += len(names)
        for name in names:
            known = any(f"::{test}".endswith(f"::{name}") for test in tests)
            if not known and exists(name, tree):
                problems.append(f"{document}: {name} is no test")
        if not names:
            problems.append(f"{document} names no test")
    for cell in shown:
        if not re.search(r"`|\*rehearsal: |^shown by$|^-+", cell):
            problems.append(f"docs/security.md: nothing shows that an attack fails: {cell}")
    steps = re.findall(r"^    def (\w+)\(self\) -> str:", read("infra/rehearsal/rehearse.py"), flags=re.M)
    for step in re.findall(r"\*rehearsal: ([a-z ]+)\*", security):
        if step.replace(" ", "_") not in steps:
            problems.append(f"docs/security.md: the rehearsal has no step: {step}")
    return count


def check_links() -> int:
    count = 0
    for path, text in documents():
        targets = re.findall(r"\]\(([^)\s]+)[^)]*\)", text)
        targets += re.findall(r'(?:src|href)="([^"]+)"', re.sub(r"`[^`]*`", "", text))
        for target in targets:
            target, _, heading = target.partition("#")
            if ":" in target:
                continue
            count += 1
            file = (ROOT / path).parent / target if target else ROOT / path
            if not file.exists():
                problems.append(f"{path}: {target} does not exist")
            elif heading and heading not in headings(file):
                problems.append(f"{path}: {target} has no heading #{heading}")
    return count


def check_paths() -> int:
    """A path in a document's code exists."""
    count = 0
    for path, text in documents():
        folders = r"(?:shared|local|cli|functions|infra|docs|events|\.ci|\.cargo)"
        for target in sorted(set(re.findall(rf"`({folders}/[\w./-]+)`", text))):
            count += 1
            if not (ROOT / target).exists():
                problems.append(f"{path}: {target} does not exist")
    return count


def headings(file: Path) -> set[str]:
    """The headings of a document as links name them."""
    found = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in found}


def keyed_routes(table: str) -> dict[str, str]:
    """The row that docs/api.md has of each route with a key: scopes, live keys alone or not, parameters."""
    parameters = dict(
        re.findall(r'const (\w+): Parameter = Parameter \{ name: "(\w+)"', read("shared/src/http/parameters.rs"))
    )
    lists = dict(re.findall(r"^const (\w+): &\[Parameter\] =\s*&\[([^\]]*)\];", table, flags=re.M))
    rows = {}
    for kind, method, path, scopes, names in re.findall(
        r'^    (keyed|live)\("([A-Z]+)", "([^"]+)", [^&]*&\[([^\]]*)\], (.*)\),$', table, flags=re.M
    ):
        scopes = re.findall(r"\w+", scopes)
        any_of = "any" if len(scopes) == 5 else ", ".join(f"`{scope.lower()}`" for scope in scopes)
        names = re.findall(r"\w+", lists.get(names, names))
        taken = ", ".join(f"`{parameters[name]}`" for name in names)
        route = f"`{method} {path.removeprefix('/api/v1')}`"
        rows[route] = " ".join(f"| {route} | {any_of} | {'live' * (kind == 'live')} | {taken} |".split())
    return rows


def check_routes() -> int:
    """Parameters are written {id} where the text calls them so; the table of routes agrees with the code's."""
    text = read("docs/api.md")
    api = re.sub(r"\{\w+\}", "{}", text)
    [table] = ROOT.glob("shared/src/**/routes.rs")
    routes = re.findall(r'^    \w+\("([A-Z]+)", "(/[^"]*)", Function', table.read_text(), flags=re.M)
    rows = keyed_routes(table.read_text())
    section = re.search(r"^### Routes$(.*?)^## ", text, flags=re.M | re.S)
    written = [" ".join(line.split()) for line in (section[1] if section else "").splitlines()]
    for row in sorted({*written} ^ {*rows.values()}):
        if row.startswith("| `"):
            where = "lacks" if row in rows.values() else "has what the code lacks:"
            problems.append(f"docs/api.md {where} {row}")
    if len(rows) != sum(path.startswith("/api/v1/") for _, path in routes):
        problems.append("not every route of /api/v1 was read from the table of routes")
    for method, path in routes:
        short = re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))
        if method != "HEAD" and not re.search(rf"{method} {re.escape(short)}[`?:, \n]", api):
            problems.append(f"docs/api.md does not name {method} {path}")
    if not routes:
        problems.append("no routes found in the table of routes")
    return len(routes)


def check_alarms() -> int:
    """Each alarm of the template has its line in docs/operate.md, and each line its alarm."""
    template = read("template.yaml")
    alarms = set(re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm$", template, flags=re.M))
    lines = set(re.findall(r"^\| `(\w+Alarm)` \|", read("docs/operate.md"), flags=re.M))
    for name in sorted(alarms ^ lines):
        where = "docs/operate.md" if name in alarms else "template.yaml"
        problems.append(f"{where} does not have the alarm {name}")
    return len(alarms)


def check_logs() -> int:
    """Each log message has its line in docs/logging.md, and each line its message."""
    code = "".join(text for path, text in modules() if path[0] != "suite")
    messages = set(re.findall(r'tracing::(?:info|warn|error)!\([^;]*?"([^"{}]+)"\s*,?\s*\)', code))
    _, _, events = read("docs/logging.md").partition("## Wide events")
    lines = set(re.findall(r"^\| `(\w+)` \|", events, flags=re.M))
    for cell in re.findall(r"^\| ([^|`]+) \| (?:ERROR|WARN|INFO) \|", events, flags=re.M):
        lines |= set(cell.split(", "))
    for paragraph in re.findall(r"^The local stack adds .*?: (.*?)\.$", events, flags=re.M | re.S):
        lines |= set(re.sub(r" \(.*?\)", "", " ".join(paragraph.split())).split(", "))
    for message in sorted(messages ^ lines):
        where = "docs/logging.md" if message in messages else "the code"
        problems.append(f"{where} does not have the log message: {message}")
    return len(messages)


def check_size() -> int:
    """README loads fast and is read to its end."""
    size = (ROOT / "README.md").stat().st_size
    if size > README_BYTES:
        problems.append(f"README.md has {size:,} bytes, more than {README_BYTES:,}")
    pictures = sum(file.stat().st_size for file in (ROOT / "docs/pictures").glob("*.png"))
    if pictures > PICTURES_BYTES:
        problems.append(f"docs/pictures has {pictures:,} bytes, more than {PICTURES_BYTES:,}")
    return size


def main() -> int:
    counts = {
        "tests": check_tests(),
        "names": check_names(),
        "links": check_links(),
        "paths": check_paths(),
        "routes": check_routes(),
        "alarms": check_alarms(),
        "log messages": check_logs(),
        "bytes of README": check_size(),
    }
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print("documents and tree agree: " + ", ".join(f"{n:,} {what}" for what, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
