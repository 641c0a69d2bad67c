"""Checks the crates of Cargo.lock: their licences, their sources, and what is known against them.

    python infra/check_dependencies.py                  # needs cargo-deny (infra/tools/setup)
    python infra/check_dependencies.py --renew FOLDER   # a clone of the database: writes advisories.txt

`cargo deny` checks by the rules of deny.toml. It takes the database of RustSec from the network; where
that is out of reach, it takes the advisories in advisories.txt, and this script says how old they are
and which crates they cannot speak of.
"""

import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "infra" / "advisories.txt"
DATABASE = "https://github.com/RustSec/advisory-db"
# Seconds for the database: a slow network is no reason to hold up everything else.
WAIT = 60
HEAD = """\
# The advisories of RustSec's database on crates of Cargo.lock: their data and titles, as published (CC0-1.0, or the
# licence that an entry names). Where the database is out of reach, infra/check_dependencies.py checks with these;
# "--renew" writes them.
"""


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--renew":
        return renew(Path(sys.argv[2]))
    if len(sys.argv) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("cargo-deny"):
        print("dependencies: no cargo-deny; infra/tools/setup installs it and prints its path", file=sys.stderr)
        return 2
    try:
        reached = cargo_deny(["fetch", "db"], timeout=WAIT, quiet=True) == 0
    except subprocess.TimeoutExpired:
        reached = False
    if reached:
        return cargo_deny(["check"])
    with tempfile.TemporaryDirectory() as folder:
        return check_with_kept(Path(folder))


def cargo_deny(arguments: list[str], timeout: int | None = None, quiet: bool = False, **env: str) -> int:
    output = subprocess.DEVNULL if quiet else None
    command = ["cargo", "deny", "--locked", *arguments]
    return subprocess.run(
        command, cwd=ROOT, timeout=timeout, env=os.environ | env, stdout=output, stderr=output
    ).returncode


def check_with_kept(folder: Path) -> int:
    """Lays the kept advisories as a repository, which cargo-deny clones instead of the database."""
    at, crates, entries = read()
    database = folder / "database"
    for name, text in entries.items():
        path = database / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # Nobody signs, and no setting of this machine's git counts.
    env = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "x"), ("EMAIL", "x@localhost"), ("DATE", at))
    }
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "advisories"]):
        subprocess.run(["git", *command], cwd=database, env=os.environ | env, check=True)
    # Apart from the clone of the database that a developer may have.
    rules = (ROOT / "deny.toml").read_text()
    config = folder / "deny.toml"
    config.write_text(rules.replace("[advisories]\n", f'[advisories]\ndb-path = "{folder}/clones"\n', 1))
    status = cargo_deny(
        ["--config", str(config), "check"],
        **env,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{database.as_uri()}.insteadOf",
        GIT_CONFIG_VALUE_0=DATABASE,
    )
    day = at[:10]
    age = (datetime.date.today() - datetime.date.fromisoformat(day)).days
    print(
        f"dependencies: the database of advisories is out of reach. Checked with the {len(entries)} of {day} in "
        f"{KEPT.relative_to(ROOT)}; what was published in the {age} days since then was not seen."
    )
    unknown = sorted(locked() - crates)
    if unknown:
        print(f"dependencies: no advisory was looked up for: {', '.join(unknown)}")
    return status


def locked() -> set[str]:
    """The crates of Cargo.lock that are not ours."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {package["name"] for package in packages if "source" in package}


def read() -> tuple[str, set[str], dict[str, str]]:
    """The instant of the kept advisories, the crates that were looked up, and each advisory by its path."""
    head, *parts = re.split(r"^== (\S+)\n", KEPT.read_text(), flags=re.M)
    at = re.search(r"^at (\S+)$", head, re.M)
    crates = re.search(r"^crates (.*)$", head, re.M)
    if not at or not crates:
        sys.exit(f"{KEPT.relative_to(ROOT)}: no instant, or no crates")
    return at[1], set(crates[1].split()), dict(zip(parts[::2], parts[1::2]))


def renew(database: Path) -> int:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(database), *arguments], check=True, capture_output=True, text=True
        ).stdout

    crates = locked()
    names = [name for name in git("ls-tree", "-r", "--name-only", "HEAD", "crates").split() if name.split("/")[1] in crates]
    with KEPT.open("w") as kept:
        kept.write(f"{HEAD}at {git('log', '-1', '--format=%cI').strip()}\ncrates {' '.join(sorted(crates))}\n")
        for name in names:
            text = git("show", f"HEAD:{name}")
            data = text[: text.index("\n```", 3) + 4]
            title = re.search(r"^# .*$", text, re.M)
            kept.write(f"== {name}\n{data}\n\n{title[0] if title else '# ' + name}\n")
    print(f"{KEPT.relative_to(ROOT)}: {len(names)} advisories on {len(crates)} crates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
