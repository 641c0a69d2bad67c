"""Reports a Rust file that is longer than a reader can keep in mind.

    python infra/check_length.py

A product file has at most 500 lines, a file of tests or benches 800. A longer file passes if its
head gives a reason: a line `//! Long: reason`. Prints the number of files, or every file that is
too long and exits with 1.
"""

import itertools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Lines of a file, and the folders that the limit is for.
LIMITS = [
    (500, ["shared/src", "shared/openapi/src", "functions/*/src", "cli/src", "local/src"]),
    (800, ["local/tests", "local/benches", "shared/tests", "shared/benches", "cli/tests"]),
]
REASON = re.compile(r"^//! Long: \S", re.M)


def main() -> int:
    count, problems = 0, []
    for limit, folders in LIMITS:
        for path in sorted(path for folder in folders for path in ROOT.glob(f"{folder}/**/*.rs")):
            count += 1
            text = path.read_text()
            head = "".join(itertools.takewhile(lambda line: line.startswith("//!"), text.splitlines(True)))
            lines = text.count("\n")
            if lines > limit and not REASON.search(head):
                name = path.relative_to(ROOT)
                problems.append(f"{name}: {lines} lines, at most {limit}: split it, or give a reason in its head")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"files keep their length: {count} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
