"""Deploys the template with the release binaries to an AWS emulator, and uses the stack.

    python infra/rehearsal/rehearse.py [--keep] [--built]

IAM is enforced: if a role lacks a permission that its function needs, the step that needs it fails.
Every step uses an interface of people or programs: `sam deploy`, `unicreda admin`, the REST API,
SNS and SQS. Run it with the tools of infra/tools (build and rehearsal) in PATH, as .ci/run does.
Prints a line per step, and exits with 1 at the first failed one. infra/README.md lists what the
emulator does not cover.

Over 500 lines: one list of steps that build on each other and share the stack's state.
"""

import argparse
import base64
import csv
import fnmatch
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from datetime import datetime
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parent.parent.parent
STACK = "rehearsal"
SITE = "https://credenciales.ejemplo.edu"
SENDER = "titulos@ejemplo.edu"
SIMULATOR = "simulator.amazonses.com"
# Lambda polls a queue with the role of the function; the emulator does so by itself.
POLLER = "Lambda, which polls the queue"
# Amazon Linux 2023 has glibc 2.34.
NEWEST_GLIBC = (2, 34)


class Failure(Exception):
    """A check that did not hold."""


def check(holds: bool, what) -> None:
    if not holds:
        raise Failure(what)


def until(what: str, ask, seconds: int = 120):
    """Calls `ask` until it returns something other than None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.25)
    raise Failure(f"timed out after {seconds} s waiting until {what}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Aws:
    """The emulator as a process, and clients for it."""

    def __init__(self, folder: Path):
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = os.environ | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "SAM_CLI_TELEMETRY": "0",
        }
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            self.environment.pop(name, None)
        self.log = open(folder / "emulator.log", "w")
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "infra/rehearsal/emulator.py"],
            env=self.environment
            | {
                "GATEWAY_PORT": str(port),
                "BIND_HOST": "127.0.0.1",
                "IOT_MTLS_ENABLED": "0",
                "AUTH": "true",
                "LOG_LEVEL": "INFO",
                "S3_DATA_DIR": str(folder / "s3"),
                "PERMISSIONS_LOG": str(folder / "permissions.jsonl"),
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
        until("the emulator answers", self.alive, 60)

    def alive(self):
        if self.process.poll() is not None:
            raise Failure(f"the emulator ended with {self.process.returncode}")
        try:
            return urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2).status
        except OSError:
            return None

    def client(self, service: str, credentials: dict | None = None):
        """A client of the account's owner, or of a role whose credentials are given."""
        given = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
        )

    def mails(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/ses/messages") as answer:
            by_account = json.load(answer)["messages"]
        return [mail for mails in by_account.values() for mail in mails]

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


class Api:
    """The deployed API."""

    def __init__(self, base: str, key: str = ""):
        self.base, self.key = base, key

    def __call__(
        self, method, path, body=None, key=None, accept=None, status=None, raw=None, kind=None
    ):
        headers = {"X-API-Key": self.key if key is None else key}
        if accept:
            headers["Accept"] = accept
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = kind or "application/json"
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                got, text, answered = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            got, text, answered = error.code, error.read(), error.headers
        if status is not None:
            check(got == status, f"{method} {path}: {got} instead of {status}: {text[:600]!r}")
        kind = answered.get("Content-Type", "")
        is_json = text and ("json" in kind or kind == "application/vc")
        if kind in ("application/pdf", "image/png"):
            return got, text, answered
        return got, json.loads(text) if is_json else text.decode(), answered

    def get(self, path, **more):
        return self("GET", path, status=200, **more)[1]

    def problem(self, method, path, status, code, **more):
        _, body, headers = self(method, path, status=status, **more)
        check(headers.get("Content-Type", "").startswith("application/problem+json"), headers)
        wanted = {"type", "title", "status", "detail", "code", "request_id"}
        check(wanted <= set(body) and body["code"] == code and body["status"] == status, body)

    def success(self, job_id: str) -> dict:
        """Follows a job to its end, as the API reference's client does."""

        def ask():
            status = self.get(f"/api/v1/jobs/{job_id}")
            check(status["status"] != "FAILURE", status)
            return status["result"] if status["status"] == "SUCCESS" else None

        result = until(f"job {job_id} ends", ask, 240)
        check(result["successful"] + result["failed"] == result["total"], result)
        check(result["internal_count"] + result["external_count"] == result["successful"], result)
        mails = result["emails_sent"] + result["emails_failed"] + result["emails_skipped"]
        check(mails == result["successful"], result)
        return result


class Rehearsal:
    def __init__(self, folder: Path, cli: Path, built: bool):
        self.folder, self.cli, self.built = folder, cli, built
        self.aws = Aws(folder)
        self.api = None
        self.outputs = {}

    # ------------------------------------------------------------ commands

    def run(self, *command, environment=None, **more):
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=environment or self.aws.environment,
            capture_output=True,
            text=True,
            **more,
        )
        name = "-".join(Path(str(part)).name for part in command[:2])
        (self.folder / f"{name}.log").write_text(done.stdout + done.stderr)
        check(done.returncode == 0, f"{command[0]} {command[1]}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def admin(self, *arguments) -> str:
        return self.run(self.cli, "admin", "--stack", STACK, *arguments).strip()

    def deploy(self, **parameters) -> None:
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        self.run(
            "sam", "deploy",
            "--template-file", ROOT / ".aws-sam/build/template.yaml",
            "--stack-name", STACK,
            "--s3-bucket", "deployments",
            "--capabilities", "CAPABILITY_IAM",
            "--no-confirm-changeset", "--no-progressbar", "--no-fail-on-empty-changeset",
            "--parameter-overrides", " ".join(overrides),
        )  # fmt: skip
        stack = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        check(stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack)
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        host, _, stage = self.outputs["ApiUrl"].removeprefix("https://").partition("/")
        base = f"{self.aws.endpoint}/restapis/{host.split('.')[0]}/{stage}/_user_request_"
        self.api = Api(base, self.api.key if self.api else "")

    # ------------------------------------------------------------ steps

    def build(self, functions: list[str]) -> None:
        environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
        # sam builds the functions one after another, each mostly on one core. Building all of them
        # together first is faster; sam then finds them built.
        chosen = [part for name in functions for part in ("--bin", name)]
        self.run("cargo", "lambda", "build", "--release", *chosen, environment=environment)
        self.run("sam", "build", environment=environment)

    def binaries(self) -> str:
        """Builds as the README says, and checks which glibc the binaries need."""
        functions = [path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")]
        if not self.built:
            self.build(functions)
        newest = (0, 0)
        files = sorted((ROOT / ".aws-sam/build").glob("*/bootstrap"))
        check(len(files) == len(functions), files)
        for file in files:
            symbols = subprocess.run(
                ["objdump", "-T", file], capture_output=True, text=True, check=True
            ).stdout
            asked = [tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([\d.]+)", symbols)]
            check(asked, f"{file} names no glibc version")
            newest = max(newest, *(version[:2] for version in asked))
        check(newest <= NEWEST_GLIBC, f"the binaries need glibc {newest}, Amazon Linux has 2.34")
        sizes = [file.stat().st_size for file in files]
        size = f"{min(sizes) >> 20} to {max(sizes) >> 20} MB"
        return f"{len(files)} binaries of {size}, glibc {newest[0]}.{newest[1]} at most"

    def first_deploy(self) -> str:
        ses = self.aws.client("ses")
        for identity in ("ejemplo.edu", "ejemplo.com"):
            ses.verify_domain_identity(Domain=identity)
        self.aws.client("s3").create_bucket(Bucket="deployments")
        # A first deployment often has no domain yet.
        self.deploy(
            SiteUrl="https://abcde12345.execute-api.us-east-1.amazonaws.com/main",
            SenderAddresses="*@ejemplo.edu",
            SesRatePerSecond=400,
            MailBatchSize=100,
            AlarmEmail="guardia@ejemplo.edu",
        )
        return f"{len(self.outputs)} outputs"

    def first_organization(self) -> str:
        create = ["org", "create", "uni", "--name", "Universidad Ejemplo", "--sender", SENDER]
        self.admin(*create, "--time-zone", "America/Santiago")
        self.admin(*create, "--time-zone", "America/Santiago")  # Repeated: nothing changes.
        self.admin("org", "update", "uni", "--reply-to", "mesa@ejemplo.edu")
        self.api.key = self.admin("keys", "create", "uni", "--name", "sistema")
        self.test_key = self.admin("keys", "create", "uni", "--name", "p", "--mode", "test")
        template = {
            "name": "Ingeniería de Software", "description": "Un curso.", "language": "es",
            "achievement": {"type": "Course", "criteria": "Aprobar el proyecto."},
            "fields": [
                {"name": "recipient_name", "required": True},
                {"name": "result_value", "required": True, "allowed_values": ["A", "B", "C", "D", "F"]},
                {"name": "credits_earned", "required": False},
            ],
        }  # fmt: skip
        self.template = self.api("POST", "/api/v1/templates", template, status=201)[1]["id"]
        organization = self.api.get("/api/v1/organization")
        check(organization["reply_to"] == "mesa@ejemplo.edu", organization)
        renamed = self.api("PUT", "/api/v1/organization", {"name": "Universidad de Ejemplo"}, status=200)[1]
        check(renamed["name"] == "Universidad de Ejemplo", renamed)
        return "through KMS"

    def body(self, *recipients) -> dict:
        return {"template_id": self.template, "recipients": list(recipients)}

    def person(self, n: int, **more) -> dict:
        return {
            "email": f"persona{n}@ejemplo.com", "recipient_name": f"Persona Número {n}",
            "result_value": "ABCDF"[n % 5], "credits_earned": 6.5,
        } | more  # fmt: skip

    def no_live_issuing_without_a_domain(self) -> str:
        body = self.body(self.person(0))
        self.api.problem("POST", "/api/v1/credentials/issue", 409, "conflict", body=body)
        issued = self.api("POST", "/api/v1/credentials/issue", body, key=self.test_key, status=200)
        credential = issued[1]["credentials"][0]
        check(credential["status"] == "issued", credential)
        self.test_credential = credential["credential_id"]
        mail = f"/api/v1/credentials/{self.test_credential}/mail"
        until("the test mail", lambda: self.api("GET", mail, key=self.test_key)[0] == 200 or None)
        return "live refused, test issued"

    def update_deploy(self) -> str:
        self.deploy(SiteUrl=SITE, SenderAddresses="*@ejemplo.edu", SiteSender="sitio@ejemplo.edu")
        status, page, _ = self.api("GET", f"/credential/{self.test_credential}")
        check(status == 200 and "Persona Número 0" in page, "the earlier credential is shown")
        # The identity's notifications take the same path as the configuration set's events.
        ses = self.aws.client("ses")
        for kind in ("Bounce", "Complaint", "Delivery"):
            ses.set_identity_notification_topic(
                Identity="ejemplo.edu", NotificationType=kind,
                SnsTopic=self.outputs["FeedbackTopicArn"],
            )  # fmt: skip
        return "data kept"

    def gateway_answers(self) -> str:
        self.api.problem("GET", "/api/v1/templates", 401, "unauthenticated", key="")
        wrong = self.api.key[:-1] + ("a" if self.api.key[-1] != "a" else "b")
        self.api.problem("GET", "/api/v1/templates", 401, "unauthenticated", key=wrong)
        self.api.problem("GET", "/nada/de/esto", 404, "not_found")
        check("Credenciales digitales" in self.api.get("/", key=""), "the home page")
        self.api.problem("PATCH", "/api/v1/templates", 405, "method_not_allowed")
        # Each function answers 405 on the paths that are its own; two share this credential's.
        for path, allowed in [
            ("/api/v1/credentials/issue", "POST"),
            ("/api/v1/jobs", "GET"),
            ("/api/v1/signing-keys", "GET, POST"),
            ("/api/v1/credentials/x", "PATCH, GET"),
            ("/credential/x", "GET, HEAD"),
            ("/credential/x/badge.png", "GET, HEAD"),
        ]:
            _, body, headers = self.api("DELETE", path, status=405)
            check(body["code"] == "method_not_allowed", body)
            check(headers["Allow"] == allowed, f"{path} allows {headers['Allow']}")
        self.api.problem("POST", "/api/v1/credentials/issue", 400, "invalid_json", raw=b"x")
        return "401, 404, 405, 400 as problem documents"

    def members(self) -> str:
        csv = "email,name,role\n" + "".join(
            f"persona{n}@ejemplo.com,Miembro {n},Estudiante\n" for n in range(1, 101)
        )
        imported = self.api("POST", "/api/v1/members/import", raw=csv.encode(), kind="text/csv", status=200)[1]
        check(imported["imported"] == 100, imported)
        address = "ana+título@ejemplo.com".replace("í", "i")
        for path in (f"/api/v1/members/{address}", "/api/v1/members/ana%2Btitulo%40ejemplo.com"):
            status = self.api("PUT", path, {"name": "Ana"})[0]
            check(status in (200, 201), f"PUT {path}: {status}")
            member = self.api.get(path)
            check(member["email"] == address, member)
        held = self.api.get("/api/v1/members/ana+titulo@ejemplo.com/credentials")
        wallet = self.api.get(urllib.parse.urlparse(held["wallet_url"]).path, key="")
        check("billetera" in wallet, wallet[:300])
        return "100 imported, + and %40 in the path"

    def a_file_of_members(self) -> str:
        """Members through the bucket: the function that reads files changes them itself."""
        rows = "".join(f"persona{n}@ejemplo.com;Docente\r\n" for n in range(1, 301))
        file = ("Correo electrónico;Rol\r\n" + rows + "nadie;Docente\r\n").encode("windows-1252")
        job = self.send("/api/v1/members/uploads", "personas.csv", file, {})
        result = job["result"]
        check((result["imported"], result["failed"]) == (300, 1), job)
        first = self.api.get("/api/v1/members/persona1@ejemplo.com")
        check((first["name"], first["role"]) == ("Miembro 1", "Docente"), first)
        _, lines = self.results_file(job["job_id"], "personas-resultados.csv")
        check(lines[300]["status"] == "failed" and lines[0]["status"] == "imported", lines[:1])
        return "300 imported, 1 refused"

    def one_at_once(self) -> str:
        body = self.body(self.person(1000))
        first = self.api("POST", "/api/v1/credentials/issue", body, status=200)[1]
        again = self.api("POST", "/api/v1/credentials/issue", body, status=200)[1]
        one, two = first["credentials"][0], again["credentials"][0]
        check(first["mode"] == "sync" and one["status"] == "issued", first)
        check(two["duplicate"] and two["credential_id"] == one["credential_id"], again)
        check(one["credential_url"] == f"{SITE}/credential/{one['credential_id']}", one)
        self.credential = one["credential_id"]
        foreseen = self.api("POST", "/api/v1/credentials/issue?dry_run=true", self.body(self.person(1000)), status=200)
        check(foreseen[1]["recipients"][0]["credential_id"] == self.credential, foreseen[1])
        wrong = self.body(self.person(1001, result_value="Z"))
        refused = self.api("POST", "/api/v1/credentials/issue", wrong, status=200)[1]["credentials"][0]
        text = "Calificacion invalida. Valores permitidos: A, B, C, D, F"
        check(refused["status"] == "error" and refused["errors"] == [text], refused)
        return "issued, found again, refused"

    def a_job_of_500(self) -> str:
        recipients = [self.person(n) for n in range(1, 481)]
        recipients += [self.person(n) for n in range(1, 6)]  # repeated rows
        recipients += [self.person(n, email=f"malo{n}@") for n in range(1, 6)]
        recipients += [self.person(n, email=f"bounce+{n}@{SIMULATOR}") for n in range(1, 4)]
        recipients += [self.person(n, email=f"complaint+{n}@{SIMULATOR}") for n in range(1, 3)]
        recipients += [self.person(n, email=f"success+{n}@{SIMULATOR}") for n in range(1, 6)]
        _, accepted, headers = self.api(
            "POST", "/api/v1/credentials/issue", self.body(*recipients), status=202
        )
        self.job = accepted["job_id"]
        text = f"Issuing 500 credentials in background. Poll GET /api/v1/jobs/{self.job} for status."
        check(accepted["mode"] == "async" and accepted["message"] == text, accepted)
        check(headers["Location"].endswith(self.job), headers)
        result = self.api.success(self.job)
        wanted = {"total": 500, "successful": 495, "failed": 5, "duplicates": 5, "emails_sent": 490}
        check(result.items() >= wanted.items(), result)
        # 100 members, five of them twice.
        check(result["internal_count"] == 105, result)
        check(result["errors"][0]["error"] == "Invalid email: malo1@", result["errors"])
        mails = [mail for mail in self.aws.mails() if "persona" in str(mail["To"])]
        check(len(mails) == 481, f"{len(mails)} mails to persons")
        rows = self.api.get(f"/api/v1/jobs/{self.job}/results?limit=1000")["items"]
        check(len({row["credential_id"] for row in rows}) == 491, "one id per person, and none for failed rows")
        return f"{len(mails)} mails read from SES"

    def client_programs(self) -> str:
        """Runs the client programs of the API reference unchanged."""
        environment = self.aws.environment | {
            "BASE_URL": f"{self.api.base}/api/v1",
            "API_KEY": self.api.key,
            "TEMPLATE_ID": self.template,
        }
        for name in ("issue_many.py", "poll_job.py"):
            program = ROOT / "local/tests/clients" / name
            printed = self.run(sys.executable, "-u", program, environment=environment)
            check("emails_sent" in printed, printed)
        return "both ended with their result"

    def ses_feedback(self) -> str:
        def ask():
            rows = self.api.get(f"/api/v1/jobs/{self.job}/results?limit=1000")["items"][490:]
            states = [row["email_status"] for row in rows]
            return states if states == ["bounced"] * 3 + ["complained"] * 2 + ["delivered"] * 5 else None

        until("every event of SES is recorded", ask)
        listed = self.api.get("/api/v1/suppressions")["items"]
        check(len(listed) == 5, listed)
        address = listed[0]["email"]
        other = self.body(self.person(7, email=address))
        issued = self.api("POST", "/api/v1/credentials/issue", other, status=200)[1]["credentials"][0]
        path = f"/api/v1/credentials/{issued['credential_id']}"
        ended = until(
            "its mail ends",
            lambda: (c := self.api.get(path))["email_status"] != "pending" and c or None,
        )
        check((ended["email_status"], ended["email_error"]) == ("failed", "suppressed"), ended)
        self.api("DELETE", f"/api/v1/suppressions/{urllib.parse.quote(address)}", status=204)
        # The mail of an ended job, sent again, and the wallet that it is in.
        again = self.api.get(f"/api/v1/jobs/{self.job}/results?limit=1")["items"][0]
        path = f"/api/v1/credentials/{again['credential_id']}"
        self.api("POST", f"{path}/resend", status=202)
        until("it is sent again", lambda: self.api.get(path)["email_status"] != "pending" or None)
        held = self.api.get(f"/api/v1/members/{again['email']}/credentials")
        wallet = self.api.get(urllib.parse.urlparse(held["wallet_url"]).path, key="")
        check(again["credential_id"] in wallet, wallet[:300])
        for query in ["limit=5", f"job_id={self.job}&limit=5"]:
            listed = self.api.get(f"/api/v1/credentials?{query}")["items"]
            check(len(listed) == 5, listed)
        found = self.api.get(f"/api/v1/credentials?q={again['credential_id']}")["items"]
        check([one["credential_id"] for one in found] == [again["credential_id"]], found)
        check(self.api.get("/api/v1/credentials?q=acta-0")["items"] == [], "an external_id of nothing")
        check("issue" in self.api.get("/api/v1/key")["scopes"], "the key")
        return "3 bounced, 2 complained, 5 delivered, 5 addresses suppressed, one sent again"

    def fetch(self, method, url, body=None, status=200, **headers) -> tuple[bytes, dict]:
        """Sends a request to the bucket without AWS credentials."""
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                got, text, answered = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            got, text, answered = error.code, error.read(), error.headers
        check(got == status, f"{method} {url}: {got} instead of {status}: {text[:600]!r}")
        return text, answered

    def upload(self, name: str, file: bytes, **more) -> dict:
        """Announces a file, uploads it, follows its job to the end and returns the job."""
        return self.send("/api/v1/uploads", name, file, {"template_id": self.template} | more)

    def send(self, path: str, name: str, file: bytes, more: dict) -> dict:
        """Does as `upload` by any path that announces files."""
        asked = {"file_name": name, "size": len(file)} | more
        accepted = self.api("POST", path, asked, status=201)[1]
        put = accepted["upload"]
        # The signature admits only the announced size.
        self.fetch(put["method"], put["url"], file + b"x", 403)
        self.fetch(put["method"], put["url"], file)

        def received():
            upload = self.api.get(accepted["status_url"])
            return upload["job_id"] if upload["status"] == "received" else None

        job = until(f"the job of {name} begins", received)
        self.api.success(job)
        return self.api.get(f"/api/v1/jobs/{job}")

    def results_file(self, job: str, name: str) -> tuple[bytes, list[dict]]:
        path = f"/api/v1/jobs/{job}/results/file"
        answer = until(
            "the results file exists",
            lambda: (got := self.api("GET", path))[0] == 200 and got[1] or None,
        )
        check(answer["file_name"] == name, answer)
        file, headers = self.fetch("GET", answer["url"])
        check(f'filename="{name}"' in headers["Content-Disposition"], dict(headers))
        text = file.decode("utf-8-sig")
        check(file.startswith(b"\xef\xbb\xbf"), "a BOM, for Excel")
        delimiter = ";" if ";" in text.splitlines()[0] else ","
        return file, list(csv.DictReader(io.StringIO(text), delimiter=delimiter))

    def a_file_of_300(self) -> str:
        """Announces, uploads, follows and downloads results as the console and the command line do."""
        lines = ["email,recipient_name,result_value,credits_earned"]
        people = [self.person(n) for n in range(4001, 4299)]
        people += [self.person(4001), self.person(4299, result_value="Z")]
        columns = lines[0].split(",")
        lines += [",".join(str(person[column]) for column in columns) for person in people]
        file = ("\r\n".join(lines) + "\r\n").encode()

        dry_run = self.upload("acta.csv", file, dry_run=True)["result"]
        counted = {"total": 300, "successful": 299, "failed": 1, "duplicates": 1}
        check(dry_run.items() >= counted.items(), dry_run)
        job = self.upload("acta.csv", file)
        check(job["result"].items() >= (counted | {"emails_sent": 298}).items(), job)
        read = {"name": "acta.csv", "size": len(file), "encoding": "utf-8", "encoding_guessed": False}
        check(job["file"].items() >= read.items(), job)
        results, rows = self.results_file(job["job_id"], "acta-resultados.csv")
        check(len(rows) == 300 and [row["row"] for row in rows] == [str(n) for n in range(1, 301)], rows[:2])
        check({row["status"] for row in rows[:299]} == {"issued"}, rows[:2])
        check(rows[298]["credential_id"] == rows[0]["credential_id"], rows[298])
        check(rows[299]["status"] == "failed" and "Calificacion invalida" in rows[299]["error"], rows[299])
        path = urllib.parse.urlparse(rows[7]["credential_url"]).path
        check("Persona Número 4008" in self.api.get(path, key=""), path)
        # The results file is itself a file of recipients.
        again = self.upload("acta-resultados.csv", results, dry_run=True)["result"]
        check(again["duplicates"] == again["successful"] == 299, again)
        # A file that is not readable as a list fails with reason and position.
        broken = b"email,recipient_name,result_value\nuno@ejemplo.com,\xff\xfe\x00\n"
        accepted = self.api(
            "POST", "/api/v1/uploads",
            {"template_id": self.template, "file_name": "roto.csv", "size": len(broken)}, status=201,
        )[1]  # fmt: skip
        self.fetch("PUT", accepted["upload"]["url"], broken)

        def ended():
            job = self.api.get(accepted["status_url"])["job_id"]
            status = self.api.get(f"/api/v1/jobs/{job}") if job else {"status": "PENDING"}
            return status if status["status"] in ("FAILURE", "SUCCESS") else None

        failed = until("the broken file ends", ended)
        check(failed["status"] == "FAILURE" and failed["error"], failed)
        return "checked in a dry run, issued, results fetched and checked again; a broken file refused"

    def a_file_of_another_system(self) -> str:
        """A file that another program stores in the bucket with its own role, read as the template remembers."""
        remembered = f"/api/v1/templates/{self.template}/column-map"
        self.api("PUT", remembered, {"column_map": {"Id interno del sistema": "ignore"}}, status=200)
        _, example, headers = self.api("GET", f"/api/v1/templates/{self.template}/csv", status=200)
        check(headers["Content-Type"].startswith("text/csv"), dict(headers))
        s3, bucket = self.aws.client("s3"), self.outputs["UploadsBucket"]
        name = "Acta de ensayo (1) ñ+.csv"
        key = f"incoming/test/uni/{self.template}/sistema/{name}"
        first, *rows = example.splitlines()
        delimiter = ";" if ";" in first else ","
        lines = [f"{first}{delimiter}Id interno del sistema", *(f"{row}{delimiter}{n}" for n, row in enumerate(rows))]
        s3.put_object(Bucket=bucket, Key=key, Body="\r\n".join(lines).encode())

        def job_of_file():
            jobs = self.api("GET", "/api/v1/jobs", key=self.test_key, status=200)[1]["items"]
            return next((job for job in jobs if (job.get("file") or {}).get("name") == name), None)

        job = until("the file's job is listed", job_of_file)

        def success():
            status = self.api("GET", f"/api/v1/jobs/{job['job_id']}", key=self.test_key)[1]
            check(status["status"] != "FAILURE", status)
            return status["result"] if status["status"] == "SUCCESS" else None

        result = until("the file's job ends", success)
        check(result["total"] > 0 and result["failed"] == 0, result)
        self.api("DELETE", remembered, status=204)
        check(self.api.get(remembered)["column_map"] == {}, "the columns are forgotten")
        return f"the example file of {result['total']} rows, issued in test mode"

    def the_bucket_is_private(self) -> str:
        s3, bucket = self.aws.client("s3"), self.outputs["UploadsBucket"]
        root = f"{self.aws.endpoint}/{bucket}"
        key = s3.list_objects_v2(Bucket=bucket, Prefix="incoming/")["Contents"][0]["Key"]
        self.fetch("GET", f"{root}/{urllib.parse.quote(key)}", status=403)
        self.fetch("GET", f"{root}?list-type=2", status=403)
        asked = {"template_id": self.template, "file_name": "acta.csv", "size": 3}
        put = self.api("POST", "/api/v1/uploads", asked, status=201)[1]["upload"]
        self.fetch("PUT", put["url"], b"a,b", status=403, **put.get("headers", {}), **{"X-Forwarded-Proto": "http"})
        blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        check(len(blocked) == 4 and all(blocked.values()), blocked)
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
        _, allowed = self.fetch("OPTIONS", f"{root}/incoming/x", Origin=SITE, **asked)
        check(allowed["Access-Control-Allow-Origin"] == SITE, dict(allowed))
        self.fetch("OPTIONS", f"{root}/incoming/x", status=403, Origin="https://otra.example", **asked)
        _, _, headers = self.api("GET", "/console", key="", status=200)
        check(bucket in headers["Content-Security-Policy"], headers["Content-Security-Policy"])
        return "no access without a signature or TLS; CORS only for pages of the site"

    def page_and_proof(self) -> str:
        status, page, headers = self.api("GET", f"/credential/{self.credential}", key="")
        check(status == 200 and "Persona Número 1000" in page, page[:300])
        check(headers.get("Referrer-Policy") == "no-referrer", dict(headers))
        # API Gateway decodes a function's base64 answer only if the request has an Accept header.
        for file, begins in [
            ("certificate.pdf", b"%PDF-1.7"),
            ("badge.png", b"\x89PNG\r\n"),
            ("preview.png", b"\x89PNG\r\n"),
        ]:
            drawn = self.api.get(f"/credential/{self.credential}/{file}", key="", accept="*/*")
            check(drawn.startswith(begins), f"{file}: {drawn[:40]!r}")
        check("<svg" in self.api.get(f"/credential/{self.credential}/qr.svg", key=""), "QR code")
        exchange = self.api("POST", f"/credential/{self.credential}/exchange", {}, status=200, key="")
        check("verifiablePresentation" in exchange[1], "the exchange of a wallet")
        badge = self.api.get(f"/credential/{self.credential}/badge.png", key="", accept="*/*")
        logo = "data:image/png;base64," + base64.b64encode(badge).decode()
        kept = self.api("PUT", "/api/v1/organization", {"logo": logo}, status=200)[1]
        image = self.api.get(urllib.parse.urlparse(kept["logo"]).path, key="", accept="*/*")
        check(image.startswith(b"\x89PNG"), "the logo, unchanged")
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>'
        design = {"background": "data:image/svg+xml;base64," + base64.b64encode(svg).decode()}
        saved = self.api("PUT", "/api/v1/organization/design", design, status=200)[1]
        drawing = self.api.get(urllib.parse.urlparse(saved["background"]).path, key="", accept="*/*")
        check("<path" in drawing, "the drawing of the design")
        path = f"/api/v1/templates/{self.template}/preview"
        sample = self.api("POST", path, {}, status=200, accept="application/pdf")[1]
        check(sample.startswith(b"%PDF-1.7"), f"sample: {sample[:40]!r}")
        document = self.api.get(f"/credential/{self.credential}", key="", accept="application/vc")
        verdict = self.api("POST", "/api/v1/verify", document, status=200)[1]
        check(verdict["verified"] is True, verdict)
        check(self.api.get("/orgs/uni/did.json", key="")["id"].endswith(":orgs:uni"), "did")
        status_list = urllib.parse.urlparse(document["credentialStatus"]["statusListCredential"])
        before = self.api.get(status_list.path, key="")
        reason = {"reason": "Ensayo"}
        path = f"/api/v1/credentials/{self.credential}"
        self.api("PATCH", path, {"recipient_name": "Persona Corregida"}, status=200)
        document = self.api.get(f"/credential/{self.credential}", key="", accept="application/vc")
        self.api("POST", f"{path}/revoke", reason, status=200)
        after = self.api.get(status_list.path, key="")
        check(before["credentialSubject"] != after["credentialSubject"], "the list has changed")
        verdict = self.api("POST", "/api/v1/verify", document, status=200)[1]
        check(verdict["verified"] is False, verdict)
        self.api("POST", "/api/v1/signing-keys", {}, status=201)
        job = self.api("POST", "/api/v1/credentials/revoke", reason | {"job_id": self.job}, status=202)
        result = self.api.success(job[1]["job_id"])
        check(result["successful"] == 490, result)
        return "verified, corrected, revoked; a key rotated; a job's 490 revoked"

    def lost_link(self) -> str:
        """Whoever lost the link to their wallet asks for it, with no key, and a file is verified by whoever holds it."""
        address = "persona3100@ejemplo.com"
        issued = self.api("POST", "/api/v1/credentials/issue", self.body(self.person(3100)), status=200)[1]
        credential = issued["credentials"][0]["credential_id"]
        form = {"key": "", "kind": "application/x-www-form-urlencoded"}
        asked = self.api("POST", "/wallet", raw=f"email={urllib.parse.quote(address)}".encode(), status=200, **form)[1]
        unknown = self.api("POST", "/wallet", raw=b"email=nadie%40ejemplo.com", status=200, **form)[1]
        check(asked == unknown, "the answer tells who has a wallet")

        def letter():
            mails = (json.dumps(mail) for mail in self.aws.mails())
            return next((m for m in mails if "sitio@ejemplo.edu" in m and address in m), None)

        until("the mail with the link", letter, 60)
        certificate = self.api.get(f"/credential/{credential}/certificate.pdf", key="", accept="*/*")
        verdict = self.api("POST", "/api/v1/verify", raw=certificate, kind="application/pdf", status=200)[1]
        check(verdict["status"] == "issued", verdict)
        head = '--x\r\nContent-Disposition: form-data; name="file"; filename="c.pdf"\r\n\r\n'
        sent = head.encode() + certificate + b"\r\n--x--\r\n"
        page = self.api("POST", "/verify", raw=sent, kind="multipart/form-data; boundary=x", key="", status=200)[1]
        check("Persona Número 3100" in page, page[:600])
        return "one mail, the same answer to all; a PDF verified on the page and by the API"

    def dead_letters(self) -> str:
        """A malformed message reaches the dead-letter queue alone; rows that are moved back are issued."""
        sqs, lambdas = self.aws.client("sqs"), self.aws.client("lambda")
        issue, dead = self.outputs["IssueQueueUrl"], self.outputs["IssueDeadLetterQueueUrl"]
        # Five deliveries with six minutes of visibility would take half an hour.
        visibility = {"VisibilityTimeout": "1"}
        sqs.set_queue_attributes(QueueUrl=issue, Attributes=visibility)
        sqs.send_message(QueueUrl=issue, MessageBody="malformed")

        def depth(queue):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
            return sum(map(int, counts.values()))

        until("the malformed message is in the dead-letter queue", lambda: depth(dead) == 1 or None, 60)
        taken = sqs.receive_message(QueueUrl=dead)["Messages"][0]
        check(taken["Body"] == "malformed", taken)
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=taken["ReceiptHandle"])
        # Rows in the dead-letter queue, as after a fault of the service.
        mappings = lambdas.list_event_source_mappings(FunctionName=f"{STACK}-consumer")
        mapping = next(
            m for m in mappings["EventSourceMappings"] if m["EventSourceArn"].endswith("-issue")
        )
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        until(
            "the mapping is disabled",
            lambda: lambdas.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled" or None,
        )
        people = [self.person(n) for n in (2001, 2002)]
        job = self.api("POST", "/api/v1/credentials/issue", self.body(*people), status=202)[1]
        moved = 0

        def move():
            nonlocal moved
            for message in sqs.receive_message(QueueUrl=issue, MaxNumberOfMessages=10).get("Messages", []):
                sqs.send_message(QueueUrl=dead, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=issue, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
            return moved == 2 or None

        until("both rows are in the dead-letter queue", move)
        sqs.set_queue_attributes(QueueUrl=issue, Attributes={"VisibilityTimeout": "361"})
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        # Does what StartMessageMoveTask does, which the emulator lacks.
        for message in sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]:
            sqs.send_message(QueueUrl=issue, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        result = self.api.success(job["job_id"])
        check(result["successful"] == 2, result)
        return "a malformed message in the dead-letter queue, rows moved back and issued"

    def sweeper(self) -> str:
        answer = self.aws.client("lambda").invoke(FunctionName=f"{STACK}-sweeper", Payload=b"{}")
        check("FunctionError" not in answer, answer)
        swept = json.load(answer["Payload"])
        check(swept["given_up"] == 0, swept)
        return json.dumps(swept)

    def a_missing_permission_fails(self) -> str:
        """Shows that the emulator enforces permissions: without one of them a request fails."""
        iam = self.aws.client("iam")
        functions = self.aws.client("lambda")
        role = functions.get_function(FunctionName=f"{STACK}-jobs")["Configuration"]["Role"]
        role = role.rpartition("/")[2]
        kept = iam.get_role_policy(RoleName=role, PolicyName="jobs")["PolicyDocument"]
        statements = [s for s in kept["Statement"] if s["Sid"] != "JobsByTime"]
        check(len(statements) == len(kept["Statement"]) - 1, kept)

        def put(document):
            iam.put_role_policy(
                RoleName=role, PolicyName="jobs", PolicyDocument=json.dumps(document)
            )

        put(kept | {"Statement": statements})
        status = self.api("GET", "/api/v1/jobs")[0]
        put(kept)
        check(status in (500, 503), f"without dynamodb:Query on by_org: {status}")
        self.api("GET", "/api/v1/jobs", status=200)
        return f"{status} without one statement, 200 with it"

    def the_api_needs_its_permission(self) -> str:
        """A function lets the API in by one statement of its policy, and by nothing else."""
        functions, name = self.aws.client("lambda"), f"{STACK}-jobs"
        (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
        self.api.problem("GET", "/api/v1/jobs", 500, "internal")
        functions.add_permission(
            FunctionName=name, StatementId=statement["Sid"], Action=statement["Action"],
            Principal=statement["Principal"]["Service"], SourceArn=source,
        )  # fmt: skip
        self.api("GET", "/api/v1/jobs", status=200)
        return f"500 without it, 200 with it: {source}"

    def as_function(self, name: str, service: str):
        """A client with the role of a function, as somebody has it who took the function over."""
        iam, functions = self.aws.client("iam"), self.aws.client("lambda")
        arn = functions.get_function(FunctionName=f"{STACK}-{name}")["Configuration"]["Role"]
        role = arn.rpartition("/")[2]
        kept = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        root = f"arn:aws:iam::{arn.split(':')[4]}:root"
        trust = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(
            RoleName=role,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        taken = self.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="taken-over")
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(kept))
        return self.aws.client(service, taken["Credentials"])

    def refused(self, what: str, call, **arguments) -> None:
        try:
            call(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            check(code in ("AccessDenied", "AccessDeniedException"), f"{what}: {error}")
            return
        raise Failure(f"{what} was allowed")

    def what_a_taken_over_function_may(self) -> str:
        """The roles as such, without the code that they run: what each may do with the organization's
        secrets, keys and settings."""
        table = f"{STACK}-catalog"

        def at(sort, partition="ORG#uni"):
            return {"pk": {"S": partition}, "sk": {"S": sort}}

        def items(prefix):
            return {
                "TableName": table,
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
                "ExpressionAttributeValues": {":pk": {"S": "ORG#uni"}, ":prefix": {"S": prefix}},
            }

        # `render` draws for everybody.
        render = self.as_function("render", "dynamodb")
        get, query = render.get_item, render.query
        for sort, attribute in [("IDSECRET", "secret"), ("SIGNING#live", "sealed")]:
            self.refused(f"render reads {sort}", get, TableName=table, Key=at(sort))
            self.refused(
                f"render reads {attribute}", get, TableName=table, Key=at(sort), ProjectionExpression=attribute
            )
            known = get(TableName=table, Key=at(sort), ProjectionExpression="v")["Item"]
            check(set(known) == {"v"}, known)
        self.refused("render reads API keys", query, **items("KEY#"))
        for select in ({}, {"Select": "SPECIFIC_ATTRIBUTES"}):
            self.refused("render reads hashes", query, **items("KEY#"), ProjectionExpression="#h",
                         ExpressionAttributeNames={"#h": "hash"}, **select)  # fmt: skip
        member = at("persona1@ejemplo.com", "MEMBERS#uni#0")
        self.refused("render reads a member", get, TableName=table, Key=member, ProjectionExpression="v")
        key = self.aws.client("dynamodb").query(**items("KEY#"))["Items"][0]["sk"]["S"]

        def setting(sort, attribute, value):
            return {
                "TableName": table, "Key": at(sort), "UpdateExpression": "SET #a = :v",
                "ExpressionAttributeNames": {"#a": attribute}, "ExpressionAttributeValues": {":v": value},
            }  # fmt: skip

        # Whoever records a key's last use changes nothing else.
        now = {"S": "2026-11-28T12:00:00.000Z"}
        for name in ("issue", "jobs", "amend"):
            dynamodb = self.as_function(name, "dynamodb")
            dynamodb.update_item(**setting(key, "last_used_at", now))
            for sort, attribute, value in [
                (key, "scopes", {"L": [{"S": "admin"}]}),
                (key, "hash", {"S": "x"}),
                ("ORG", "settings", {"M": {}}),
                ("IDSECRET", "secret", {"S": "x"}),
            ]:
                self.refused(f"{name} sets {attribute}", dynamodb.update_item, **setting(sort, attribute, value))
            item = at("KEY#x") | {"hash": {"S": "x"}, "scopes": {"L": [{"S": "admin"}]}}
            self.refused(f"{name} makes an API key", dynamodb.put_item, TableName=table, Item=item)
        issue = self.as_function("issue", "dynamodb")
        self.refused(
            "issue changes a credential", issue.update_item, TableName=f"{STACK}-credentials",
            Key={"id": {"S": self.credential}}, UpdateExpression="SET mail = :v",
            ExpressionAttributeValues={":v": {"S": "owed"}},
        )  # fmt: skip

        # A sealed value opens for its purpose, with its whole context.
        operator, sealer = self.aws.client("kms"), self.outputs["SigningKeyArn"]
        whole = {"org": "uni", "mode": "live"}

        def sealed(context):
            blob = operator.encrypt(KeyId=sealer, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
            return {"KeyId": sealer, "CiphertextBlob": blob, "EncryptionContext": context}

        for name in ("issue", "consumer", "amend"):
            kms = self.as_function(name, "kms")
            for context in (whole, whole | {"purpose": "signing-key"}):
                check(kms.decrypt(**sealed(context))["Plaintext"] == b"x", context)
            for context in (whole | {"purpose": "webhook"}, {"org": "uni"}, {"mode": "live"}, {}):
                self.refused(f"{name} opens {context}", kms.decrypt, **sealed(context))
        self.refused("catalog opens a key", self.as_function("catalog", "kms").decrypt, **sealed(whole))
        return "no secret for render, no attribute of a key but its last use, no sealed value of another purpose"

    # Permissions that a step need not use, and who does.
    UNUSED = {
        ("amend", "Jobs", "dynamodb:BatchGetItem"): "a correction while a job sends the credential's mail",
        ("amend", "Jobs", "dynamodb:ConditionCheckItem"): "a correction while a job sends the credential's mail",
        ("amend", "Jobs", "dynamodb:DeleteItem"): "an Idempotency-Key after its 24 h",
        ("catalog", "Jobs", "dynamodb:BatchGetItem"): "a credential whose mail a job is sending",
        ("consumer", "Jobs", "dynamodb:ConditionCheckItem"): "a row that corrects an address while a job sends the credential's mail",
        ("consumer", "TakeMessages", "sqs:ChangeMessageVisibility"): "mail that waits for SES",
        ("consumer", "TakeMessages", "sqs:DeleteMessage"): POLLER,
        ("consumer", "TakeMessages", "sqs:GetQueueAttributes"): POLLER,
        ("consumer", "TakeMessages", "sqs:ReceiveMessage"): POLLER,
        ("feedback", "TakeMessages", "sqs:ChangeMessageVisibility"): POLLER,
        ("feedback", "TakeMessages", "sqs:DeleteMessage"): POLLER,
        ("feedback", "TakeMessages", "sqs:GetQueueAttributes"): POLLER,
        ("feedback", "TakeMessages", "sqs:ReceiveMessage"): POLLER,
        ("issue", "Catalog", "dynamodb:GetItem"): "a signing key that grew too old during the request",
        ("issue", "Credentials", "dynamodb:BatchGetItem"): "a dry run of somebody who holds a credential already",
        ("issue", "Jobs", "dynamodb:BatchGetItem"): "a credential whose mail a job is sending",
        ("issue", "Jobs", "dynamodb:DeleteItem"): "an Idempotency-Key after its 24 h",
        ("issue", "Jobs", "dynamodb:GetItem"): "a request that takes over another that died",
        ("jobs", "KeyLastUsed", "dynamodb:UpdateItem"): "the first request with a key in an hour",
        ("privacy", "Credentials", "dynamodb:DeleteItem"): "the mail of a test credential",
        ("privacy", "DeadLetters", "sqs:DeleteMessage"): "a dead letter that names the person",
        ("privacy", "QueueJobs", "sqs:SendMessage"): "the erasures of a replay, which no step waits for",
        ("privacy", "TakeMessages", "sqs:ChangeMessageVisibility"): POLLER,
        ("privacy", "TakeMessages", "sqs:DeleteMessage"): POLLER,
        ("privacy", "TakeMessages", "sqs:GetQueueAttributes"): POLLER,
        ("privacy", "TakeMessages", "sqs:ReceiveMessage"): POLLER,
        ("privacy", "TellsWhatIsGone", "s3:ListBucket"): "a file that is gone, and the notes of a replay",
        ("print", "Orders", "dynamodb:DeleteItem"): "an archive after its day",
        ("print", "Prints", "s3:AbortMultipartUpload"): "an order that fails",
        ("print", "Prints", "s3:DeleteObject"): "an archive after its day, or that another takes the place of",
        ("print", "Prints", "s3:GetObject"): "what a process that died has noted of an archive",
        ("print", "TakeMessages", "sqs:ChangeMessageVisibility"): POLLER,
        ("print", "TakeMessages", "sqs:DeleteMessage"): POLLER,
        ("print", "TakeMessages", "sqs:GetQueueAttributes"): POLLER,
        ("print", "TakeMessages", "sqs:ReceiveMessage"): POLLER,
        ("privacy", "GiveUpPrints", "s3:AbortMultipartUpload"): "a person in an archive that is being made",
        ("sweeper", "Credentials", "dynamodb:BatchGetItem"): "rows of a stopped job",
        ("sweeper", "Credentials", "dynamodb:GetItem"): "rows of a stopped job",
        ("sweeper", "Credentials", "dynamodb:UpdateItem"): "rows of a stopped job",
        ("sweeper", "Jobs", "dynamodb:BatchWriteItem"): "rows of a stopped job",
        ("sweeper", "Jobs", "dynamodb:Query"): "rows of a job that stands still, and a job that is kept longer",
        ("sweeper", "PlansOfRetention", "dynamodb:DeleteItem"): "the plan of an organization that keeps everything again",
        ("uploads", "RemoveFiles", "s3:DeleteObject"): "files seven days after their job",
        ("uploads", "TakeMessages", "sqs:ChangeMessageVisibility"): POLLER,
        ("uploads", "TakeMessages", "sqs:DeleteMessage"): POLLER,
        ("uploads", "TakeMessages", "sqs:GetQueueAttributes"): POLLER,
        ("uploads", "TakeMessages", "sqs:ReceiveMessage"): POLLER,
        ("uploads", "TellsWhatIsGone", "s3:ListBucket"): "a file that is gone",
    }

    def permissions_that_are_used(self) -> str:
        """Names each granted action that no step before this one needed and that `UNUSED` does not explain. Some depend
        on timing (the sweeper's, a lookup's), so they are reported and fail nothing."""
        used = [json.loads(line) for line in (self.folder / "permissions.jsonl").read_text().splitlines()]
        iam, functions = self.aws.client("iam"), self.aws.client("lambda")
        granted, idle = set(), set()
        for function in functions.list_functions()["Functions"]:
            name = function["FunctionName"].removeprefix(f"{STACK}-")
            role = function["Role"].rpartition("/")[2]
            for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]:
                actions, resources = (
                    [part] if isinstance(part, str) else part
                    for part in (statement["Action"], statement["Resource"])
                )
                for action in actions:
                    granted.add((name, statement["Sid"], action))
                    if not any(
                        one["role"] == role and one["action"] == action
                        and any(fnmatch.fnmatchcase(one["resource"], pattern) for pattern in resources)
                        for one in used
                    ):  # fmt: skip
                        idle.add((name, statement["Sid"], action))
        unknown = sorted(" ".join(one) for one in idle - set(self.UNUSED))
        stale = set(self.UNUSED) - granted
        check(not stale, f"excused and not granted: {sorted(stale)}")
        rest = f"; unexplained: {', '.join(unknown)}" if unknown else ""
        return f"{len(granted)} granted, {len(idle)} of them for what no step did{rest}"

    def printed(self, job: str) -> dict:
        """Orders the certificates of a job as an archive, and waits for them."""
        path = f"/api/v1/jobs/{job}/certificates"
        self.api("POST", path, status=202)

        def made_now():
            order = self.api.get(path)
            check(order["status"] != "FAILURE", order)
            return order if order["status"] == "SUCCESS" else None

        made = until("the certificates are there", made_now, 240)
        check(len(made["files"]) == 1, made)
        return made

    def certificates_for_print(self) -> str:
        """The certificates of the job of 500: what repeats another row has none of its own."""
        made = self.printed(self.job)
        check(made["certificates"] >= 450 and made["certificates"] + made["left_out"] == 500, made)
        began, ended = (datetime.fromisoformat(made[name]) for name in ("ordered_at", "made_at"))
        return f"{made['certificates']} in {(ended - began).total_seconds():.1f} s, the wait for the message included"

    def personal_data(self) -> str:
        """A person is blocked, given what is held about them, and erased, by the function that may delete."""
        address, organization = "persona4000@ejemplo.com", "/api/v1/organization"

        def ended(job: str) -> dict:
            def ask():
                status = self.api.get(f"/api/v1/jobs/{job}")
                check(status["status"] != "FAILURE", status)
                return status["result"] if status["status"] == "SUCCESS" else None

            return until(f"job {job} ends", ask, 240)

        self.api("PUT", f"/api/v1/members/{address}", {"name": "Persona"})
        issued = self.api("POST", "/api/v1/credentials/issue", self.body(self.person(4000)), status=200)[1]
        credential = issued["credentials"][0]["credential_id"]
        path = f"/api/v1/credentials/{credential}"
        correction = {"recipient_name": "Persona Corregida", "reason": "Acta"}
        until("its mail ends", lambda: self.api.get(path)["email_status"] != "pending" or None)
        self.api("PATCH", path, correction, status=200)
        rows = "".join(f"persona{n}@ejemplo.com;Persona {n};B\r\n" for n in range(4000, 4004))
        file_job = self.upload("acta.csv", ("Correo;Nombre;Nota\r\n" + rows).encode())["job_id"]
        prints = self.printed(file_job)
        check(prints["certificates"] == 4, prints)
        certificates = prints["files"][0]["url"]
        with zipfile.ZipFile(io.BytesIO(self.fetch("GET", certificates)[0])) as prints_archive:
            names = prints_archive.namelist()
            check(prints_archive.testzip() is None and len(names) == 5 and "lista.csv" in names, names)
        self.api("POST", f"{path}/block", {"reason": "Reclamo"}, status=200)
        check(self.api("GET", f"/credential/{credential}", key="")[0] == 403, "hidden")
        self.api("POST", f"{path}/unblock", status=200)
        document = self.api.get(f"/credential/{credential}.json", key="")

        export = self.api("GET", f"/api/v1/people/{address}/export", status=202)[1]["job_id"]
        ended(export)
        link = self.api.get(f"/api/v1/jobs/{export}/results/file")
        archive, _ = self.fetch("GET", link["url"])
        check(archive.startswith(b"PK") and f"{credential}.json".encode() in archive, archive[:40])

        order = {"email": address.upper().replace("EJEMPLO.COM", "ejemplo.com"), "reason": "Lo pidió"}
        erased = ended(self.api("POST", "/api/v1/people/erase", order, status=202)[1]["job_id"])
        check((erased["credentials"], erased["members"]) == (2, 1), erased)
        check(erased["rows"] == 1 and erased["files_deleted"] >= 1, erased)
        self.fetch("GET", certificates, status=404)
        check(self.printed(file_job)["certificates"] == 3, "without the person")
        check(self.api("GET", f"/credential/{credential}", key="")[0] == 410, "gone")
        check(self.api.get(path)["status"] == "erased", path)
        verdict = self.api("POST", "/api/v1/verify", document, status=200)[1]
        check(verdict["verified"] and verdict["erased_at"], verdict)
        again = ended(
            self.api(
                "POST", f"{path}/erase", {"reason": "Fraude", "keep_valid": False}, status=202
            )[1]["job_id"]
        )
        check(again["credentials"] == 0, again)
        check(not self.api("POST", "/api/v1/verify", document, status=200)[1]["verified"], "revoked")
        notes = self.aws.client("s3").list_objects_v2(
            Bucket=self.outputs["UploadsBucket"], Prefix="erasures/uni/"
        )["Contents"]
        check(len(notes) == 2, notes)

        # What has ended is looked for: the sweeper begins a walk, which finds nothing that old.
        kept = self.api.get(organization)
        self.api("PUT", organization, kept | {"retention": {"ended_credentials_days": 30}}, status=200)
        self.sweeper()

        def walked():
            jobs = self.api.get("/api/v1/jobs")["items"]
            walks = [job for job in jobs if job.get("kind") == "retain"]
            return walks[0] if walks and walks[0]["status"] == "SUCCESS" else None

        walk = until("the walk of retention ends", walked, 240)
        check(walk["result"]["credentials"] == 0, walk)
        self.api("PUT", organization, kept | {"retention": None}, status=200)
        self.admin("erasures", "replay", "--since", "2026-01-01T00:00:00Z")
        self.sweeper()
        return "blocked, given, erased, revoked; a walk and a replay begun"

    def second_update(self) -> str:
        self.deploy(
            SiteUrl=SITE, SenderAddresses="*@ejemplo.edu", LogLevel="info,unicreda=debug",
            LogRetentionDays=365, TrackDeliveries="false", MailTls="OPTIONAL",
            ReservedConcurrency=50, FirewallRate=2000,
        )  # fmt: skip
        functions = self.aws.client("lambda")
        kept = {
            name: functions.get_function_concurrency(FunctionName=f"{STACK}-{name}").get(
                "ReservedConcurrentExecutions"
            )
            for name in ("issue", "jobs", "catalog", "amend", "page", "render", "consumer", "uploads", "feedback")
        }
        check([int(n) for n in kept.values() if n is not None] == [50] * 6, kept)
        check(not {"consumer", "uploads", "feedback"} & {n for n, v in kept.items() if v is not None}, kept)
        api = self.outputs["ApiUrl"].removeprefix("https://").split(".")[0]
        stage = f"arn:aws:apigateway:us-east-1::/restapis/{api}/stages/main"
        firewall = self.aws.client("wafv2").get_web_acl_for_resource(ResourceArn=stage)["WebACL"]
        check([rule["Name"] for rule in firewall["Rules"]] == ["rate", "common"], firewall)
        result = self.api.get(f"/api/v1/jobs/{self.job}")["result"]
        check(result["successful"] == 495, result)
        again = self.api("POST", "/api/v1/credentials/issue", self.body(self.person(2)), status=200)
        check(again[1]["credentials"][0]["status"] == "error", "the revoked credential is not issued again")
        one = self.api("POST", "/api/v1/credentials/issue", self.body(self.person(3001)), status=200)
        check(one[1]["credentials"][0]["status"] == "issued", one[1])
        # Without tracking, the receipt is written on each credential, in addition to SES's events.
        more = self.body(*(self.person(n) for n in range(3002, 3032)))
        job = self.api("POST", "/api/v1/credentials/issue", more, status=202)[1]["job_id"]
        check(self.api.success(job)["emails_sent"] == 30, job)
        rows = self.api.get(f"/api/v1/jobs/{job}/results?limit=1000")["items"]
        for row in rows:
            credential = self.api.get(f"/api/v1/credentials/{row['credential_id']}")
            check(credential["email_status"] in ("sent", "delivered"), credential)
            check(credential["email_sent_at"], credential)
        return "jobs, credentials and keys kept; 30 mails, receipts on their credentials"

    def logs(self) -> str:
        """The functions' logs contain no person, address or key, and no refusal of IAM or DynamoDB."""
        logs = self.aws.client("logs")
        lines = 0
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{STACK}/")["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for event in (event for page in pages for event in page["events"]):
                lines += 1
                refused = ("AccessDenied", "statement was refused", "not written together")
                for word in ("@ejemplo", "@simulator", "Persona", *refused, self.api.key, self.test_key):
                    check(word not in event["message"], f"{group['logGroupName']}: {event['message']}")
        check(lines > 0, "no logs were found")
        return f"{lines} lines without personal data"

    def removal(self) -> str:
        self.run(
            "sam", "delete", "--stack-name", STACK, "--no-prompts", "--region", "us-east-1",
            "--s3-bucket", "deployments",
        )  # fmt: skip
        tables = self.aws.client("dynamodb").list_tables()["TableNames"]
        kept = {f"{STACK}-{name}" for name in ("catalog", "credentials", "jobs")}
        check(kept <= set(tables), tables)
        key = self.outputs["SigningKeyArn"]
        state = self.aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        check(state == "Enabled", state)
        # A bucket with files cannot be deleted.
        files = self.aws.client("s3").list_objects_v2(Bucket=self.outputs["UploadsBucket"])
        check(files["KeyCount"] > 0, files)
        queues = self.aws.client("sqs").list_queues().get("QueueUrls", [])
        check(not queues, queues)
        try:
            self.aws.client("lambda").get_function(FunctionName=f"{STACK}-issue")
            raise Failure("the functions are still there")
        except ClientError:
            pass
        try:
            self.aws.client("dynamodb").delete_table(TableName=f"{STACK}-credentials")
            raise Failure("the credentials could be deleted")
        except ClientError as error:
            check("protect" in str(error).lower(), error)
        return "tables, key and files kept, everything else deleted"

    STEPS = (
        binaries, first_deploy, first_organization, no_live_issuing_without_a_domain,
        update_deploy, gateway_answers, members, one_at_once, client_programs, a_job_of_500, certificates_for_print,
        ses_feedback, a_file_of_300, a_file_of_another_system, a_file_of_members, the_bucket_is_private,
        page_and_proof, lost_link, dead_letters, sweeper, personal_data, second_update, logs,
        permissions_that_are_used, what_a_taken_over_function_may, a_missing_permission_fails, the_api_needs_its_permission, removal,
    )  # fmt: skip


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--keep", action="store_true", help="leave the stack running, without the removal step")
    arguments.add_argument("--built", action="store_true", help="use .aws-sam/build without building")
    arguments.add_argument("--cli", type=Path, help="the unicreda binary [default: target/debug]")
    given = arguments.parse_args()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    cli = given.cli or target / "debug/unicreda"
    if not cli.exists():
        print(f"{cli} is missing: cargo build --bin unicreda", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    rehearsal = Rehearsal(folder, cli, given.built)
    try:
        for step in Rehearsal.STEPS[:-1] if given.keep else Rehearsal.STEPS:
            name = step.__name__.replace("_", " ")
            began = time.monotonic()
            try:
                result = step(rehearsal)
            except Exception as error:
                print(f"FAILED  {name}: {error}", flush=True)
                log = (folder / "emulator.log").read_text(errors="replace").splitlines()
                telling = [line for line in log if "not authorized" in line or "ERROR" in line]
                print("\n".join(line[:500] for line in telling[-20:]), file=sys.stderr)
                if not isinstance(error, (Failure, ClientError)):
                    raise
                return 1
            print(f"{time.monotonic() - began:6.1f} s  {name}: {result}", flush=True)
    finally:
        if given.keep:
            print(f"the emulator runs as process {rehearsal.aws.process.pid}, with its logs in {folder}")
            for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
                print(f"export {name}={rehearsal.aws.environment[name]}")
            if rehearsal.api:
                print(f"export STACK={STACK} API_URL={rehearsal.api.base} API_KEY={rehearsal.api.key}")
        else:
            rehearsal.aws.end()
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
