"""Sends a running service what docs/openapi.json allows and what it does not, and compares its answers with the document.

    python infra/check_service.py BINARY [SECONDS]

BINARY is the local stack (target/debug/local), which is started on data of its own, in memory. schemathesis makes the requests
(infra/tools/openapi.txt has its version): all that it derives from the document, and of those that it draws at random five an operation, or
as many as SECONDS allow. Exits with 1 if it finds an answer that the document does not have,
or a failure of the service. A seed repeats a run, but for identifiers, which are new each time.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/openapi.json"

# What is left out, and why.
LEFT_OUT = [
    # These two take away what all other requests are made with: the key, and the organization's signatures.
    "--exclude-operation-id=revokeApiKey",
    "--exclude-operation-id=rotateSigningKey",
    # The document cannot say all that makes a request good: that a template exists, or a grade is one of its scale.
    "--exclude-checks=positive_data_acceptance",
]


def main() -> int:
    binary = Path(sys.argv[1]).resolve()
    random = [f"--max-time={sys.argv[2]}"] if len(sys.argv) > 2 else []
    tool = subprocess.check_output([ROOT / "infra/tools/setup", "openapi"], text=True).strip()
    with tempfile.TemporaryDirectory() as folder:
        port = free_ports()
        log = Path(folder, "log")
        with log.open("w") as output:
            service = subprocess.Popen(
                [binary, "--memory", "--data", folder, "--port", str(port)], stdout=output, stderr=output
            )
            try:
                settings = wait_for(service, Path(folder, "demo.env"), port)
                Path(folder, "schemathesis.toml").write_text(settings_of(settings))
                status = explore(Path(tool, "st"), port, settings["API_KEY"], random, folder)
            finally:
                service.terminate()
                service.wait()
        if status:
            print(f"The service said:\n{log.read_text()[-3000:]}", file=sys.stderr)
    return status


def free_ports() -> int:
    """The first of five ports in a row that nobody listens on."""
    for first in range(3100, 3900, 5):
        sockets = []
        try:
            for port in range(first, first + 5):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for taken in sockets:
                taken.close()
    raise SystemExit("no five ports in a row are free")


def wait_for(service: subprocess.Popen, settings: Path, port: int) -> dict[str, str]:
    """Waits until the service answers; the settings of its demo organization."""
    for _ in range(600):
        if service.poll() is not None:
            raise SystemExit(f"the service ended with {service.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json").close()
            found = dict(re.findall(r"^export (\w+)='(.*)'$", settings.read_text(), re.MULTILINE))
            if "API_KEY" in found:
                return found
        except (urllib.error.URLError, FileNotFoundError):
            pass
        time.sleep(0.1)
    raise SystemExit("the service does not answer")


def settings_of(settings: dict[str, str]) -> str:
    """The settings of schemathesis: what it cannot invent, a template and a credential that exist."""
    request = urllib.request.Request(
        settings["BASE_URL"] + "/credentials", headers={"X-API-Key": settings["API_KEY"]}
    )
    with urllib.request.urlopen(request) as answer:
        credential = json.load(answer)["items"][0]["credential_id"]
    return f'''hooks = "{ROOT}/infra/tools/openapi_hooks.py"
[parameters]
"path.template_id" = "{settings["TEMPLATE_ID"]}"
"path.credential_id" = "{credential}"
# What is gone is so whatever else was asked: a request of this run erases the credential.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 428, 429, 503]
'''


def explore(tool: Path, port: int, key: str, random: list[str], folder: str) -> int:
    command = [
        tool,
        "run",
        DOCUMENT,
        f"--url=http://127.0.0.1:{port}",
        f"--header=X-API-Key: {key}",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=5",
        *random,
        "--seed=1",
        "--no-shrink",
        "--no-color",
        *LEFT_OUT,
    ]
    # Its database of examples would go into the tree.
    return subprocess.run(command, cwd=folder, env={**os.environ, "CI": "true"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
