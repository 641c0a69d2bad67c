"""Holds docs/openapi.json to what the tests saw, after a whole run of them.

    python infra/check_openapi.py [SEEN]

The suite compares each of its calls with the document, and a whole run of it writes down each operation with each status that
it saw (local/tests/suite/contract.rs), below CARGO_TARGET_DIR. Here each operation and status of the document has to be among them,
but for those of a list with reasons. Prints what it compared, or every difference and exits with 1.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/openapi.json"

# Statuses that need not be seen of every operation, and why.
SOMEWHERE = {
    "429": "the gateway's throttle answers it, in a deployment; the two bounds of the service itself are seen",
    "500": "a failure of the service, which one place answers for all operations; tests inject it into some",
    "503": "likewise",
}
# Statuses of operations that no test of the suite sees, and why.
NEVER: dict[tuple[str, str], str] = {}


def main() -> int:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    seen_file = Path(sys.argv[1]) if len(sys.argv) > 1 else target / "tmp/openapi-seen.txt"
    document = json.loads(DOCUMENT.read_text())
    if not seen_file.exists():
        print(f"{seen_file} is missing: run the whole suite (cargo test)", file=sys.stderr)
        return 1
    if seen_file.stat().st_mtime < DOCUMENT.stat().st_mtime:
        print(f"{seen_file} is older than the document: run the whole suite (cargo test)", file=sys.stderr)
        return 1
    seen = {tuple(line.rsplit(" ", 1)) for line in seen_file.read_text().splitlines()}
    described = {
        (f"{method.upper()} {path}", status)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
    }
    problems = [
        f"{operation} answers {status} in the document, and in no test"
        for operation, status in sorted(described - seen)
        if status not in SOMEWHERE and (operation, status) not in NEVER
    ]
    for status in SOMEWHERE:
        if not any(known == status for _, known in seen & described):
            problems.append(f"no operation was seen to answer {status}")
    for operation, status in NEVER:
        if (operation, status) in seen or (operation, status) not in described:
            problems.append(f"{operation} {status} needs no exception any more")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    count = sum(len(methods) for methods in document["paths"].values())
    print(f"the tests saw what the document says: {count} operations, {len(described & seen)} of {len(described)} statuses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
