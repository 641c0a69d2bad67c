"""Makes the pictures of the documents: the page of a credential and its certificate.

    "$(infra/tools/setup pictures)/python" infra/pictures.py

Starts the local stack in memory, opens the page of the demo's credential in Chromium, draws its
certificate, and writes both to docs/pictures/. Needs the Rust toolchain and Node 20; CHROMIUM names a browser
where the packaged one does not run. `--binary PATH` takes a local stack that is built already.
"""

import argparse
import fcntl
import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pypdfium2
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs/pictures"
BROWSER = ROOT / "local/tests/browser"
# Both pictures together: they load with the README.
LIMIT_BYTES = 200 * 1000
# Colours of a picture: text, a seal of one hue, and what lies between them.
COLOURS = 64


def free_port() -> int:
    """A port with the next four free as well, 3000 if it is."""
    for port in (3000, *range(3100, 4000, 10)):
        try:
            for offset in range(5):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
            return port
        except OSError:
            continue
    sys.exit("no free port between 3000 and 4000")


def install_browser() -> None:
    """Installs the browser and its packages unless they are there, as the tests do, under the same lock."""
    wanted = (BROWSER / "package-lock.json").read_bytes()
    complete = BROWSER / "node_modules/complete.json"
    with (BROWSER / "node_modules.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete.is_file() and complete.read_bytes() == wanted:
            return
        for command in ("npm ci --no-audit --no-fund --silent", "node chromium.mjs"):
            subprocess.run(command.split(), cwd=BROWSER, check=True)
        complete.write_bytes(wanted)


def demo_credential(stack: subprocess.Popen[str]) -> str:
    """The address of the demo's credential, which the stack prints once it runs."""
    assert stack.stdout
    for line in stack.stdout:
        if found := re.search(r"https?://\S+/credential/\S+", line):
            return found[0]
    sys.exit("the local stack ended before it named a credential")


def photograph(url: str) -> Image.Image:
    """The top of the page as it is on a desk, in the proportions of the certificate."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        work = {
            "url": f"{url}?lang=es",
            "path": file.name,
            "width": 900,
            "height": 636,
            "scale": 1.5,
            "fonts": str(ROOT / "functions/render/fonts"),
        }
        command = ["node", str(BROWSER / "picture.mjs")]
        subprocess.run(command, input=json.dumps(work), text=True, check=True)
        return Image.open(io.BytesIO(Path(file.name).read_bytes())).convert("RGB")


def certificate(url: str) -> Image.Image:
    """The certificate, A4 across, at 115 pixels an inch."""
    request = urllib.request.Request(f"{url}/certificate.pdf?lang=es", headers={"Accept": "*/*"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        document = pypdfium2.PdfDocument(answer.read())
    return document[0].render(scale=115 / 72).to_pil().convert("RGB")


def save(name: str, picture: Image.Image) -> int:
    """Writes a picture in few colours; its bytes."""
    path = PICTURES / f"{name}.png"
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {size:,} bytes")
    return size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, help="a local stack that is built already")
    binary = parser.parse_args().binary
    if binary is None:
        subprocess.run(["cargo", "build", "--locked", "--bin", "local"], cwd=ROOT, check=True)
        binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/local"
    install_browser()
    PICTURES.mkdir(exist_ok=True)
    command = [str(binary), "--memory", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stack:
        try:
            url = demo_credential(stack)
            total = save("page", photograph(url)) + save("certificate", certificate(url))
        finally:
            stack.terminate()
    if total > LIMIT_BYTES:
        print(f"{total:,} bytes together, more than {LIMIT_BYTES:,}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
