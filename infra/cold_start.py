#!/usr/bin/env python3
"""Measures cold starts: the time from exec to the first `/next`, the first invocation, and a warm one.

    export PATH="$(infra/tools/setup):$PATH"
    sam build && cargo lambda build --release --example hello
    python3 infra/cold_start.py [--runs 15]     # needs openssl

Runs each release binary of `sam build` under its own Runtime API, as Lambda does, against a local stack.
The stack is reached over TLS, because an AWS client pays for root certificates, handshakes and sessions;
the roots are Amazon's five, as in a deployment, and the local stack's. A hello-world function with the same
build profile is the baseline. Prints medians in milliseconds, the ratio of the start to hello world's,
sizes, and the most memory that a process held. `render` draws a certificate in Latin letters, and in a row of its own one
of a name in six scripts, with the fonts of infra/fonts.py; its targets are 1,500 ms for the first, 60 ms warm, 512 MB. All runs are on one machine without Lambda's own part (placement, download, sandbox), so the ratios
count.
"""

import argparse
import http.server
import importlib.machinery
import importlib.util
import json
import os
import queue
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVENTS = {
    "issue": "issue-sync", "consumer": "issue-batch", "jobs": "job-status", "catalog": "templates-list",
    "amend": "credential-revoke", "page": "credential-page", "render": "credential-certificate",
    "sweeper": "schedule", "feedback": "ses-feedback",
}  # fmt: skip
# Latin letters, and letters whose faces are files.
NAMES = {"render": "María José Núñez", "render, six scripts": "Ana 李小龍 محمد अनुष्का สมชาย 🎓"}
# The test event that S3 sends when a notification is set up; the function ignores it.
UPLOADS = {"Records": [{"messageId": "1", "receiptHandle": "1", "body": '{"Event":"s3:TestEvent"}',
                        "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs"}]}  # fmt: skip


def stack_of_events():
    """The module events/try, which starts the local stack."""
    loader = importlib.machinery.SourceFileLoader("events_try", str(ROOT / "events/try"))
    spec = importlib.util.spec_from_loader("events_try", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Tls:
    """A TLS proxy in front of the stack's services, and a bundle of its root and a deployment's roots."""

    def __init__(self, folder: Path):
        key, cert, self.bundle = folder / "tls.key", folder / "tls.pem", folder / "roots.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )  # fmt: skip
        deployed = ROOT / "shared/src/amazon-roots.pem"
        self.bundle.write_bytes(deployed.read_bytes() + cert.read_bytes())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.context.set_alpn_protocols(["http/1.1"])

    def before(self, url: str) -> str:
        """Starts a proxy to an http URL and returns its https URL."""
        target = url.removeprefix("http://").rstrip("/").split(":")
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)

        def copy(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
            except OSError:
                pass
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def serve(plain):
            try:
                client = self.context.wrap_socket(plain, server_side=True)
            except OSError:
                return
            service = socket.create_connection((target[0], int(target[1])))
            threading.Thread(target=copy, args=(client, service), daemon=True).start()
            copy(service, client)

        def accept():
            while True:
                plain, _ = listener.accept()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=serve, args=(plain,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"https://localhost:{listener.getsockname()[1]}"


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Delivers one event after another, and records when the runtime asks and answers."""

    daemon_threads = True

    def __init__(self):
        self.events, self.calls = queue.Queue(), queue.Queue()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Each answer leaves as one packet, without delay.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.calls.put(("next", time.perf_counter(), b""))
        event = self.server.events.get()
        self.send_response(200)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 30_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:x",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            "Content-Type": "application/json",
            "Content-Length": str(len(event)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.put((self.path.rpartition("/")[2], time.perf_counter(), body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()


def certificates(stack) -> dict[str, str]:
    """Issues a credential for each name; the event that asks for its certificate."""
    event = (ROOT / "events/credential-certificate.json").read_text()
    known = json.loads(event)["pathParameters"]["credential_id"]
    found = {}
    for of, name in NAMES.items():
        recipient = {"email": f"{len(found)}@ejemplo.com", "recipient_name": name, "result_value": "A"}
        request = urllib.request.Request(
            f"{stack.settings['BASE_URL']}/credentials/issue",
            json.dumps({"template_id": stack.settings["TEMPLATE_ID"], "recipients": [recipient]}).encode(),
            {"X-API-Key": stack.settings["API_KEY"], "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            [credential] = json.load(answer)["credentials"]
        found[of] = event.replace(known, credential["credential_id"])
    return found


def most_memory(process) -> float:
    """The most memory that a process held, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def run(binary: Path, events: list[bytes], environment: dict) -> list[float]:
    """Runs one process; the milliseconds to the first `/next` and of each invocation, and the MB that it held."""
    api = RuntimeApi()
    environment = environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}"}
    began = time.perf_counter()
    process = subprocess.Popen([binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    times = []
    try:
        for event in [None, *events]:
            if event is not None:
                began = time.perf_counter()
                api.events.put(event)
                kind, at, body = api.calls.get(timeout=20)
                if kind != "response" or (json.loads(body) or {}).get("statusCode", 200) >= 500:
                    process.kill()
                    sys.exit(f"{binary}: {kind}: {body[:500]}\n{process.stdout.read()[-2000:]}")
                times.append((at - began) * 1e3)
            kind, at, _ = api.calls.get(timeout=20)
            assert kind == "next", kind
            if event is None:
                times.append((at - began) * 1e3)
        times.append(most_memory(process))
    finally:
        process.kill()
        process.wait()
        api.shutdown()
        api.server_close()
    return times


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=15)
    runs = arguments.parse_args().runs
    events_try = stack_of_events()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stack = events_try.Stack(folder / "stack", Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")), None)
        try:
            measure(stack, events_try.KEY, Tls(folder), runs, folder)
        finally:
            stack.process.kill()


def measure(stack, sample_key: str, tls: Tls, runs: int, folder: Path) -> None:
    environment = stack.environment()
    for name, value in environment.items():
        if name.startswith("AWS_ENDPOINT_URL_"):
            environment[name] = tls.before(value)
    environment |= {
        "SSL_CERT_FILE": str(tls.bundle), "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local", "AWS_LAMBDA_FUNCTION_NAME": "x", "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "LOG_LEVEL": "error",
        "FONTS_DIR": str(ROOT / "functions/render/layer/fonts"),
    }  # fmt: skip
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binaries = {"hello": target / "lambda/hello/bootstrap"}
    binaries |= {
        name: ROOT / f".aws-sam/build/{name.capitalize()}Function/bootstrap" for name in [*EVENTS, "uploads"]
    }
    binaries["render, six scripts"] = binaries["render"]
    drawn = certificates(stack)
    for name, binary in binaries.items():
        if not binary.exists():
            sys.exit(f"{binary} is missing: see the head of {__file__}")
    found: dict[str, list[list[float]]] = {name: [] for name in binaries}
    for number in range(runs):
        # Each round runs all binaries, so that a noisy moment affects all of them.
        for name, binary in binaries.items():
            if name == "hello":
                text = "{}"
            elif name == "uploads":
                text = json.dumps(UPLOADS)
            elif name in drawn:
                text = drawn[name]
            else:
                text = (ROOT / f"events/{EVENTS[name]}.json").read_text()
            text = text.replace(sample_key, stack.settings["API_KEY"])
            events = [text.replace("estudiante@", f"e{number}.{n}@").encode() for n in range(2)]
            found[name].append(run(binary, events, environment))
    hello = statistics.median(times[0] for times in found["hello"])
    print("| function | binary, MB | zip, MB | to `/next`, ms | | first invocation, ms | warm, ms | peak, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, binary in binaries.items():
        packed = folder / "function.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(binary, "bootstrap")
        start, first, warm, peak = (statistics.median(times[at] for times in found[name]) for at in range(4))
        print(
            f"| {name} | {binary.stat().st_size / 1e6:.1f} | {packed.stat().st_size / 1e6:.1f} "
            f"| {start:.1f} | x{start / hello:.2f} | {first:.1f} | {warm:.1f} | {peak:.0f} |"
        )


if __name__ == "__main__":
    main()
