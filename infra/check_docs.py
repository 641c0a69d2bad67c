"""Holds the documents to the tree: every test that the README names exists, every relative link
leads somewhere, docs/api.md names every route, and docs/operate.md every alarm. Prints what it compared, or every difference
and exits with 1.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"target", ".venv", "node_modules", ".local", ".aws-sam"}

problems: list[str] = []


def read(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.is_file() else ""


def check_tests() -> int:
    """`suite::file::name` is a test of local/tests/suite, `cli::file::name` one of
    cli/tests/suite, `module::name` one of shared/src."""
    folders = {"suite": "local/tests/suite", "cli": "cli/tests/suite"}
    named = re.findall(r"`((?:suite::|cli::)?[a-z_]+(?:::[a-z_]+)*)::([a-z0-9_]+)`", read("README.md"))
    for path, name in named:
        first, _, rest = path.partition("::")
        folder, inner = (folders[first], rest) if first in folders else ("shared/src", path)
        file = f"{folder}/{inner.replace('::', '/')}.rs"
        test = rf"#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn {name}\("
        if not re.search(test, read(file)):
            problems.append(f"README.md: {file} has no test {name}")
    if not named:
        problems.append("README.md names no test")
    return len(named)


def check_links() -> int:
    count = 0
    for file in sorted(ROOT.rglob("*.md")):
        if SKIPPED & set(file.relative_to(ROOT).parts):
            continue
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text()):
            if "://" in target:
                continue
            count += 1
            if not (file.parent / target).exists():
                problems.append(f"{file.relative_to(ROOT)}: {target} does not exist")
    return count


def check_routes() -> int:
    """Parameters are written {id} where the text calls them so."""
    api = re.sub(r"\{\w+\}", "{}", read("docs/api.md"))
    table = read("shared/src/api/routes.rs") or read("shared/src/routes.rs")
    routes = re.findall(r'\("([A-Z]+)", "(/[^"]*)", (?:\w+::)*Function', table)
    if not routes:
        problems.append("no routes were found")
    for method, path in routes:
        short = re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))
        if method != "HEAD" and not re.search(rf"{method} {re.escape(short)}[`?:, \n]", api):
            problems.append(f"docs/api.md does not name {method} {path}")
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


def main() -> int:
    counts = {
        "tests": check_tests(),
        "links": check_links(),
        "routes": check_routes(),
        "alarms": check_alarms(),
    }
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print("documents and tree agree: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
