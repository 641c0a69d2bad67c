#!/usr/bin/env python3
"""Measures everything that docs/performance.md tells, in one run, and writes it as one document.

    python3 infra/measure.py                             # on standard output
    python3 infra/measure.py --out docs/performance.md   # between its two markers
    python3 infra/measure.py --out docs/performance.md --only door   # this section alone, with its own date
    python3 infra/measure.py --quick [--only jobs]       # small, to see that it works: the figures say little

Runs one part after another, so that none disturbs another: a job as its client sees it, what a credential costs, jobs,
files, signatures, cold starts. Each part is a command that can be run by itself; it stands above its tables. Targets,
and whether they are met, stand beside them. Needs Node 20, openssl and what infra/tools/setup needs; most of the time
of a first run is compiling. What each part says while it works goes to standard error.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARKS = "<!-- measured -->", "<!-- /measured -->"
BENCH = "cargo bench --locked --bench"
TARGETS = json.loads((ROOT / "infra/figures.json").read_text())["targets"]
# Credentials a second of a job of so many recipients, as its client sees it, and how often it is measured.
DOOR, ROWS, TIMES = TARGETS["door_per_second"], 10_000, 5
# $ per million credentials of a large job, beside SES.
PRICE = TARGETS["dollars_per_million"]
# A function's start, to that of hello world.
START = TARGETS["start_ratio"]


class Failed(Exception):
    pass


def run(command: str, path: str = "", **more: str) -> str:
    """What a command writes to standard output."""
    environment = os.environ | more | {"CARGO_TERM_COLOR": "never", "SAM_CLI_TELEMETRY": "0"}
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    print(f"==> {command}", file=sys.stderr, flush=True)
    done = subprocess.run(shlex.split(command), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed(f"{command}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def tables(text: str) -> list[list[list[str]]]:
    """The tables in a text, as lines of cells; those with the same head are one."""
    found: dict[str, list[list[str]]] = {}
    lines = text.splitlines()
    head = None
    for number, line in enumerate(lines):
        if not line.startswith("|"):
            head = None
            continue
        if number + 1 < len(lines) and re.fullmatch(r"\|[-:| ]+\|", lines[number + 1]):
            head = line
            found.setdefault(head, [cells(head), cells(lines[number + 1])])
        elif head and not re.fullmatch(r"\|[-:| ]+\|", line):
            found[head].append(cells(line))
    return list(found.values())


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def markdown(table: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def met(target: str, figure: str, is_met: bool) -> str:
    return f"Target: {target}; it is {figure}, {'met' if is_met else 'not met'}."


class Door:
    """`local --memory` as a process, and its API."""

    def __init__(self, binary: Path, folder: Path):
        command = [binary, "--memory", "--port", "0", "--data", folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.settings: dict[str, str] = {}
        began = time.monotonic()
        while "TEMPLATE_ID" not in self.settings:
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise Failed(f"{binary} did not start")
            time.sleep(0.1)
            written = folder / "demo.env"
            text = written.read_text() if written.exists() else ""
            self.settings = dict(re.findall(r"^export (\w+)='(.*)'$", text, flags=re.M))

    def ask(self, path: str, body: dict | None = None) -> dict:
        headers = {"X-API-Key": self.settings["API_KEY"], "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.settings["BASE_URL"] + path, data, headers)) as answer:
            return json.load(answer)

    def cpu(self) -> float:
        """CPU time of its threads, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def job(self, rows: int) -> tuple[float, float]:
        """Seconds from the request to `SUCCESS`, and CPU seconds, of a job of external recipients."""
        people = [
            {"email": f"persona{n}@ejemplo.com", "recipient_name": f"Persona {n}", "result_value": "A"}
            for n in range(rows)
        ]
        request = {"template_id": self.settings["TEMPLATE_ID"], "recipients": people}
        before, began = self.cpu(), time.monotonic()
        job = self.ask("/credentials/issue", request)["job_id"]
        while (status := self.ask(f"/jobs/{job}"))["status"] != "SUCCESS":
            if time.monotonic() - began > 600:
                raise Failed(f"the job has not ended: {status}")
            time.sleep(0.05)
        seconds = time.monotonic() - began
        counts = {name: status["result"][name] for name in ("successful", "emails_sent", "external_count")}
        if set(counts.values()) != {rows}:
            raise Failed(f"of {rows}: {counts}")
        return seconds, self.cpu() - before

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def door(quick: bool) -> tuple[str, str]:
    build = "cargo build --release --locked --bin local"
    run(build)
    binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/local"
    rows, rates = 500 if quick else ROWS, []
    lines = ["| job | seconds to `SUCCESS` | credentials a second | CPU, µs a credential |", "|---|---:|---:|---:|"]
    for number in range(1, 2 if quick else TIMES + 1):
        with tempfile.TemporaryDirectory() as folder:
            stack = Door(binary, Path(folder))
            try:
                seconds, cpu = stack.job(rows)
            finally:
                stack.end()
        rates.append(rows / seconds)
        lines.append(f"| {number} | {seconds:.2f} | {rates[-1]:.0f} | {cpu * 1e6 / rows:.0f} |")
    rate = statistics.median(rates)
    head = (
        f"{rows:,} external recipients with one request to a new `local --memory`, from the request to the moment that "
        "`GET /jobs/{job_id}` answers `SUCCESS`; asked every 50 ms. Each job has a process of its own."
    )
    verdict = met(f"{DOOR:,.0f} credentials a second", f"{rate:,.0f}, the median", rate >= DOOR)
    return f"{build}, then python3 infra/measure.py --only door", "\n\n".join([head, "\n".join(lines), verdict])


def cost(quick: bool) -> tuple[str, str]:
    command = "cargo test --locked --test suite budgets:: -- --nocapture"
    found = tables(run(command, **({} if quick else {"TABLE": "1"})))
    if quick and not found:
        return f"TABLE=1 {command}", "(limits held; the table takes a full run)"
    if not found:
        raise Failed(f"{command} printed no table")
    prices = {line[0]: line[-1] for table in found for line in table[2:]}
    large = [name for name in prices if re.match(r"job of 10[ ,]?000", name)]
    if not large:
        raise Failed(f"{command} printed no job of 10,000")
    price = float(prices[large[0]])
    text = "\n\n".join(map(markdown, found))
    verdict = met(f"${PRICE:.2f} per million in a large job, beside SES", f"${price:.2f}", price <= PRICE)
    return f"TABLE=1 {command}", f"{text}\n\n{verdict}"


def jobs(quick: bool) -> tuple[str, str]:
    command = f"{BENCH} jobs --bench whole"
    return command, run(f"{command} -- quick" if quick else command).strip()


def files(quick: bool) -> tuple[str, str]:
    command = f"{BENCH} files"
    return command, run(f"{command} -- 300 900 parse:3000" if quick else command).strip()


def signatures(_: bool) -> tuple[str, str]:
    command = f"{BENCH} signing"
    lines = run(command).splitlines()
    table = [["", "clock, µs", "a core, µs", ""], ["---", "---:", "---:", "---"]]
    words = []
    for line in lines:
        # A name, two numbers of which the second may be missing, and a note.
        row = re.fullmatch(r"(\S.*?) +(\d+\.\d)(?: +(\d+\.\d))?(?:  +(.*))?", line)
        if row:
            table.append([(cell or "").strip() for cell in row.groups()])
        elif line.strip() and "clock" not in line:
            words.append(line.strip())
    if len(table) == 2:
        raise Failed(f"{command} printed no table")
    return command, "\n\n".join([*words, markdown(table)])


def starts(quick: bool) -> tuple[str, str]:
    path = run("infra/tools/setup build").strip()
    run("python3 infra/fonts.py")
    run("sam build", path)
    run("cargo lambda build --release --locked --example hello", path)
    command = "python3 infra/cold_start.py"
    text = run(f"{sys.executable} infra/cold_start.py{' --runs 3' if quick else ''}", path).strip()
    ratios = {
        line[0]: float(cell[1:])
        for table in tables(text)
        for line in table[2:]
        for cell in line
        if line[0] != "hello" and re.fullmatch(r"x\d+\.\d+", cell)
    }
    if not ratios:
        raise Failed(f"{command} printed no ratio")
    worst = max(ratios, key=ratios.get)
    verdict = met(
        f"a start at most x{START} of hello world's", f"x{ratios[worst]:.2f} at worst ({worst})", ratios[worst] <= START
    )
    return command, f"{text}\n\n{verdict}"


PARTS = {
    "door": ("Credentials a second, from outside", door),
    "cost": ("Cost", cost),
    "jobs": ("Recipients and jobs", jobs),
    "files": ("Files", files),
    "signatures": ("Signing", signatures),
    "starts": ("Cold starts", starts),
}


def first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""


def machine() -> str:
    information = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: (.*)$", information, flags=re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join([
        f"{os.cpu_count()} cores of {model[1] if model else platform.processor() or platform.machine()}",
        f"{memory:.0f} GiB", f"{platform.system()} {platform.release()}",
        first_line("rustc", "--version"), f"Node {first_line('node', '--version')}",
    ])  # fmt: skip


def merged(document: str, new: list[str]) -> list[str]:
    """The parts of a document, with some sections replaced or added, in the order of PARTS."""
    head, *old = re.split(r"\n\n(?=## )", document)
    sections = {section.splitlines()[0]: section for section in [*old, *new]}
    titles = [f"## {title}" for title, _ in PARTS.values()]
    return [head, *(sections[title] for title in titles if title in sections)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    arguments.add_argument("--only", action="append", choices=PARTS, help="this part alone; can be repeated")
    arguments.add_argument("--out", type=Path, help="a document that has both markers, instead of standard output")
    chosen = arguments.parse_args()
    if chosen.out:
        if chosen.quick:
            arguments.error("figures of --quick say little: they go into no document")
        before, mark, rest = chosen.out.read_text().partition(MARKS[0])
        old, end, after = rest.partition(MARKS[1])
        if not (mark and end):
            arguments.error(f"{chosen.out} lacks {MARKS[0]} or, after it, {MARKS[1]}")
    commit = first_line("git", "rev-parse", "--short=10", "HEAD")
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no")
    now = datetime.datetime.now(datetime.UTC)
    when = f"{now:%Y-%m-%d %H:%M} UTC, commit {commit}{' with changes' if changed else ''}, {machine()}."
    text = [
        f"Everything between here and the end of the last table is the output of one run of `python3 infra/measure.py`"
        f"{' --quick, whose figures say little' if chosen.quick else ''}:\n{when}"
    ]
    apart = f"\n\nMeasured apart: {when}" if chosen.only else ""
    failed = False
    for name, (title, part) in PARTS.items():
        if chosen.only and name not in chosen.only:
            continue
        began, load = time.monotonic(), os.getloadavg()[0]
        try:
            command, found = part(chosen.quick)
        except Failed as failure:
            print(failure, file=sys.stderr)
            text.append(f"## {title}\n\nFAILED: see standard error.")
            failed = True
            continue
        took = time.monotonic() - began
        minutes = f"{took / 60:.0f} min" if took > 120 else f"{took:.0f} s"
        of = f"{minutes}, compiling included; load of the machine {load:.1f} before, {os.getloadavg()[0]:.1f} after"
        text.append(f"## {title}\n\n`{command}`: {of}.{apart}\n\n{found}")
    if chosen.out and chosen.only:
        text = merged(old.strip(), text[1:])
    document = "\n\n".join(text)
    if chosen.out and not failed:
        chosen.out.write_text(f"{before}{MARKS[0]}\n{document}\n{MARKS[1]}{after}")
    else:
        print(document)
    sys.exit(failed)


if __name__ == "__main__":
    main()
