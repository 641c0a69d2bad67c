"""Holds shared/src to its rooms: each folder has a rule of what it may import and name.

    python infra/check_rooms.py

Reports an import that no rule allows, a name that the room forbids, a text of graduates that is
picked in place, a circle of imports of more than two files, and a map, in shared/src/lib.rs or docs/architecture.md, that differs from the
folders. Tests (`#[cfg(test)]`) and comments are left out. Prints what it compared, or every
difference and exits with 1.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "shared/src"
ARCHITECTURE = ROOT / "docs/architecture.md"
# The map of the rooms in docs/architecture.md is a mermaid graph between these.
MARKERS = ("<!-- rooms -->", "<!-- /rooms -->")
LARGEST_CIRCLE = 2

PURE = {"domain", "document", "sheet"}
USE_CASES = {"credentials", "jobs", "mail"}
BELOW_USE_CASES = PURE | {"store", "aws", "app", "sdk", "clock"}
# The rooms that each room may import, beside itself.
ALLOWED = {
    "domain": set(),
    "document": {"domain"},
    "sheet": {"domain"},
    "sdk": set(),
    "telemetry": set(),
    "clock": set(),
    "store": {"domain", "sdk"},
    "aws": {"domain", "sdk"},
    "app": {"domain", "store", "aws", "sdk", "clock"},
    **dict.fromkeys(USE_CASES, BELOW_USE_CASES | USE_CASES),
    "http": {"domain", "store", "aws", "app", "sdk"},
    "api": BELOW_USE_CASES | USE_CASES | {"http"},
    "web": BELOW_USE_CASES | USE_CASES | {"http"},
    # It queues and answers; what it asks for is looked up elsewhere.
    "claim": {"domain", "aws", "app", "jobs", "http", "web"},
}
# Files of a use case that hold a type of `App` and import nothing that needs it.
LEAVES = {("app", "credentials/status_indexes.rs")}

# The names that rooms may not use, as a pattern: rooms, name, reason.
EVERYWHERE = set(ALLOWED)
FORBIDDEN = [
    (PURE, r"\blambda_http\b|\bhttp::", "HTTP"),
    (PURE, r"\baws_sdk_\w+", "an SDK"),
    (PURE, r"\bApp\b", "App"),
    (PURE, r"\basync\b|\.await\b", "waiting"),
    (PURE, r"\b(?:Timestamp|Zoned|SystemTime|Instant)::now\b", "the clock"),
    (PURE, r"\bSystemRandom\b|\bUuid::new_v[47]\b|\bgetrandom\b|\brand::", "randomness"),
    (EVERYWHERE - {"store", "app"}, r"\baws_sdk_dynamodb\b", "DynamoDB"),
    (EVERYWHERE - {"aws", "app"} - PURE, r"\baws_sdk_(?!dynamodb)\w+", "an SDK client"),
    (USE_CASES, r"\blambda_http\b|(?<!crate::)\bhttp::", "HTTP"),
    (USE_CASES, r"\b(?:Response|Call|Problem)\b", "HTTP"),
]

# What graduates read has its texts in domain/texts, a file a language. A text picked in place would be
# Spanish for every language but two.
RENDER = ROOT / "functions/render/src"
GRADUATES = re.compile(r"(?:web|mail|claim|document)/|credentials/(?:verify|check_outcome|verify_text)\.rs")
STAFF = re.compile(r"web/pages/console(?:/|\.rs)")
PICKED = re.compile(r"\.pick\(|\bStaffLang\b|\bLang::(?:E[sn]|Pt)\b")

# Comments, strings and characters, which hold no name.
TEXTS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?<!\w)b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\\n])'""", re.S
)
USE = re.compile(r"\buse ([^;]+);")
PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")

problems: list[str] = []


def blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def end_of_block(text: str, start: int) -> int:
    """The end of the block in braces that opens at `start`."""
    depth = 0
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return start + match.end()
    return len(text)


class File:
    """A file of the library without comments, texts and tests; offsets stay as they are."""

    def __init__(self, path: Path, root: Path = SOURCE):
        self.name = path.relative_to(root).as_posix()
        parts = self.name.removesuffix(".rs").split("/")
        self.module = tuple(parts[:-1] if parts[-1] in ("mod", "lib") else parts)
        self.room = parts[0]
        self.raw = path.read_text()
        self.code = TEXTS.sub(lambda match: blank(match[0]), self.raw)
        # Modules of tests that are files of their own.
        self.test_modules: set[tuple[str, ...]] = set()
        while match := re.search(r"#\[cfg\(test\)\]", self.code):
            rest = re.compile(r"[;{]").search(self.code, match.end())
            end = rest.end() if rest else len(self.code)
            if rest and rest[0] == "{":
                end = end_of_block(self.code, rest.start())
            if declared := re.search(r"\bmod (\w+)\s*;", self.code[match.start() : end]):
                self.test_modules.add((*self.module, declared[1]))
            self.code = self.code[: match.start()] + blank(self.code[match.start() : end]) + self.code[end:]

    def paths(self, modules: dict) -> list[tuple[tuple[str, ...], int]]:
        """Each path into this library that the file names, absolute, and its offset."""
        named = []
        for statement in USE.finditer(self.code):
            named += [(path, statement.start(1) + at, True) for path, at in tree(statement[1])]
        rest = USE.sub(lambda match: blank(match[0]), self.code)
        named += [(tuple(m[0].split("::")), m.start(), False) for m in PATH.finditer(rest)]
        found = []
        for path, at, imported in named:
            base = list(self.module)
            if path[0] == "crate":
                base, path = [], path[1:]
            elif path[0] in ("super", "self"):
                while path and path[0] in ("super", "self"):
                    base = base[:-1] if path[0] == "super" else base
                    path = path[1:]
            elif not (imported and (*base, path[0]) in modules):
                continue
            found.append(((*base, *path), at))
        return found


def tree(text: str) -> list[tuple[tuple[str, ...], int]]:
    """The paths of a `use` and the offset of each."""
    tokens = list(re.finditer(r"\w+|::|[{},*]", text))
    position = 0

    def branch(prefix: list[str]) -> list[tuple[tuple[str, ...], int]]:
        nonlocal position
        path, at = list(prefix), tokens[position].start()
        while position < len(tokens):
            token = tokens[position][0]
            if token == "{":
                position += 1
                leaves = []
                while tokens[position][0] != "}":
                    leaves += branch(path)
                    position += tokens[position][0] == ","
                position += 1
                return leaves
            if token in ",}":
                break
            if token == "as":
                position += 2
                continue
            if token not in ("::", "*") and (token != "self" or not path):
                path.append(token)
            position += 1
        return [(tuple(path), at)]

    return branch([])


def read_files() -> dict[tuple[str, ...], File]:
    files = [File(path) for path in sorted(SOURCE.rglob("*.rs"))]
    tests = {module for file in files for module in file.test_modules}
    return {file.module: file for file in files if file.module not in tests}


def imports(modules: dict) -> dict[File, dict[File, int]]:
    """The files that each file imports, and the line where it first does."""
    root = modules[()]
    exported = {path[-1]: path for path, _ in root.paths(modules)}
    edges: dict[File, dict[File, int]] = {}
    for file in modules.values():
        for path, at in file.paths(modules):
            if path and path not in modules and path[0] in exported:
                path = exported[path[0]]
            while path and path not in modules:
                path = path[:-1]
            target = modules.get(path)
            if target and target not in (file, root) and file is not root:
                edges.setdefault(file, {}).setdefault(target, line_of(file.code, at))
    return edges


def check_imports(edges: dict) -> int:
    count = 0
    for file, targets in edges.items():
        for target, line in targets.items():
            count += 1
            allowed = ALLOWED.get(file.room, set()) | {file.room}
            if target.room not in allowed and (file.room, target.name) not in LEAVES:
                problems.append(f"shared/src/{file.name}:{line}: {file.room} may not import {target.name}")
    return count


def check_names(modules: dict) -> None:
    for file in modules.values():
        for rooms, pattern, what in FORBIDDEN:
            if file.room not in rooms:
                continue
            lines = {line_of(file.code, m.start()): m[0] for m in reversed([*re.finditer(pattern, file.code)])}
            if lines:
                line = min(lines)
                more = f", and {len(lines) - 1} lines more" if len(lines) > 1 else ""
                problems.append(
                    f"shared/src/{file.name}:{line}: {file.room} may not name {what}: {lines[line]}{more}"
                )


def check_texts(modules: dict) -> int:
    """No text of graduates names its languages."""
    read = [(file, "shared/src") for file in modules.values() if GRADUATES.match(file.name)]
    read = [(file, folder) for file, folder in read if not STAFF.match(file.name)]
    read += [(File(path, RENDER), "functions/render/src") for path in sorted(RENDER.rglob("*.rs")) if path.name != "tests.rs"]
    for file, folder in read:
        for match in PICKED.finditer(file.code):
            line = line_of(file.code, match.start())
            problems.append(f"{folder}/{file.name}:{line}: a text of graduates, picked in place: {match[0]}")
    return len(read)


def circles(edges: dict) -> list[list[File]]:
    """The strongly connected components of more than one file (Tarjan)."""
    index: dict[File, int] = {}
    low: dict[File, int] = {}
    stack: list[File] = []
    found = []

    def visit(file: File) -> None:
        index[file] = low[file] = len(index)
        stack.append(file)
        for target in edges.get(file, {}):
            if target not in index:
                visit(target)
                low[file] = min(low[file], low[target])
            elif target in stack:
                low[file] = min(low[file], index[target])
        if low[file] == index[file]:
            circle = []
            while not circle or circle[-1] is not file:
                circle.append(stack.pop())
            if len(circle) > 1:
                found.append(circle)

    for file in list(edges):
        if file not in index:
            visit(file)
    return found


def check_circles(edges: dict) -> int:
    largest = 1
    for circle in circles(edges):
        largest = max(largest, len(circle))
        if len(circle) <= LARGEST_CIRCLE:
            continue
        names = ", ".join(sorted(file.name for file in circle))
        problems.append(f"shared/src: a circle of {len(circle)} files: {names}")
        for file in sorted(circle, key=lambda file: file.name):
            for target, line in edges[file].items():
                if target in circle:
                    problems.append(f"    shared/src/{file.name}:{line} imports {target.name}")
    return largest


def check_map(modules: dict) -> int:
    """The table at the head of lib.rs names each room once, with its rule."""
    rooms = {file.room for file in modules.values()} - {"lib"}
    named = re.findall(r"^//! \| \[`(\w+)`\] \| (.*\S) \|$", modules[()].raw, flags=re.M)
    names = [name for name, _ in named]
    for name in sorted(rooms ^ set(names)):
        what = "does not name" if name in rooms else "names what is no room:"
        problems.append(f"shared/src/lib.rs: the map {what} {name}")
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"shared/src/lib.rs: the map names {name} twice")
    for name in sorted(rooms ^ set(ALLOWED)):
        problems.append(f"infra/check_rooms.py: no rule for {name}" if name in rooms else f"no room {name}")
    return len(rooms)


def check_graph(edges: dict) -> bool:
    """Each arrow of the graph is allowed, and each import between rooms follows arrows."""
    text = ARCHITECTURE.read_text() if ARCHITECTURE.is_file() else ""
    start, end = (text.find(marker) for marker in MARKERS)
    if not 0 <= start < end:
        print(f"docs/architecture.md has no map of the rooms between {' and '.join(MARKERS)}: not compared")
        return False
    arrows: dict[str, set[str]] = {}
    nodes: set[str] = set()
    for line in text[start + len(MARKERS[0]) : end].splitlines():
        ends = re.split(r"(<?-->)", re.sub(r"\[[^\]]*\]", "", line))
        names = [re.findall(r"\b[a-z_]+\b", side) for side in ends[::2]]
        for sources, arrow, targets in zip(names, ends[1::2], names[1:]):
            nodes |= {*sources, *targets}
            for source in sources:
                arrows.setdefault(source, set()).update(targets)
            for target in targets if arrow == "<-->" else []:
                arrows.setdefault(target, set()).update(sources)
    folders = {file.room for file in edges if "/" in file.name} | {"app"}
    for name in sorted(folders - nodes | nodes - set(ALLOWED)):
        what = "lacks" if name in ALLOWED else "has what is no room:"
        problems.append(f"docs/architecture.md: the map {what} {name}")
    for source, targets in arrows.items():
        leaves = {name.split("/")[0] for room, name in LEAVES if room == source}
        for target in sorted(targets - ALLOWED.get(source, set()) - leaves):
            problems.append(f"docs/architecture.md: {source} --> {target} is not allowed")

    def reached(source: str) -> set[str]:
        seen, todo = set(), [source]
        while todo:
            for target in arrows.get(todo.pop(), set()) - seen:
                seen.add(target)
                todo.append(target)
        return seen

    used = {(file.room, target.room) for file, targets in edges.items() for target in targets}
    for source, target in sorted(used):
        missing = {source, target} <= nodes and target not in reached(source)
        if source != target and target in ALLOWED.get(source, set()) and missing:
            problems.append(f"docs/architecture.md: no arrow leads from {source} to {target}")
    return True


def main() -> int:
    modules = read_files()
    edges = imports(modules)
    rooms = check_map(modules)
    count = check_imports(edges)
    check_names(modules)
    texts = check_texts(modules)
    largest = check_circles(edges)
    check_graph(edges)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"rooms keep their rules: {rooms} rooms, {len(modules)} files, {count} imports, largest circle {largest}; texts in {texts} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
