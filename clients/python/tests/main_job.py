"""The main job against a running stack, waiting and awaited. BASE_URL and API_KEY say where; prints OK."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from cutting_proxy import CuttingProxy

import unicreda
from unicreda import AsyncUnicreda, Unicreda, _base
from unicreda.models import Recipient, TemplateDefinition

BASE_URL = os.environ["BASE_URL"]
SITE = BASE_URL.removesuffix("/api/v1")
POLL = 0.05

TEMPLATE: TemplateDefinition = {
    "name": "Redes I",
    "description": "Fundamentos de redes.",
    "fields": [
        {"name": "recipient_name", "required": True},
        {"name": "result_value", "required": True, "allowed_values": ["A", "B"]},
    ],
}


def person(number: int, kind: str, result: str = "A") -> Recipient:
    return {
        "email": f"{kind}{number}@ejemplo.com",
        "recipient_name": f"Ñandú Pérez {kind} {number}",
        "result_value": result,
    }


def raises(kind: type[Exception], code: str, error: Exception | None) -> None:
    assert type(error) is kind, repr(error)
    assert getattr(error, "code", code) == code, repr(error)


def waiting() -> None:
    with Unicreda(BASE_URL, os.environ["API_KEY"]) as admin:
        key = admin.create_api_key({"name": "cliente", "scopes": ["issue", "read", "catalog", "manage"]})
        template = admin.create_template(TEMPLATE)["id"]
    with Unicreda(SITE, key["key"], language="en") as client:
        # One.
        issued = client.issue(template, person(1, "uno"))
        assert not issued["duplicate"]
        assert client.issue(template, person(1, "uno"))["credential_id"] == issued["credential_id"]

        # Many, one of them at fault.
        seen: list[unicreda.Progress] = []
        recipients = [person(n, "muchos") for n in range(1, 31)] + [person(31, "muchos", "Z")]
        results = client.issue_many(template, recipients, on_progress=seen.append, poll_seconds=POLL)
        assert (results.total, results.successful, results.failed) == (31, 30, 1)
        assert seen[-1] == unicreda.Progress(31, 31, 30), seen[-1]
        rows = list(results)
        assert [row["row"] for row in rows] == list(range(1, 32))
        assert [row["status"] for row in rows] == ["issued"] * 30 + ["failed"]
        # A single recipient has the same kind of results.
        single = client.issue_many(template, [person(1, "uno")])
        assert (single.total, single.successful, single.failed) == (1, 1, 0)
        assert [row["credential_id"] for row in single] == [issued["credential_id"]]

        # More than a request takes: two jobs and a single recipient, in one list of rows.
        most, _base.MOST_RECIPIENTS = _base.MOST_RECIPIENTS, 2
        several = client.issue_many(template, [person(n, "partes") for n in range(1, 6)], poll_seconds=POLL)
        _base.MOST_RECIPIENTS = most
        assert (len(several.jobs), several.total, several.successful, several.failed) == (2, 5, 5, 0)
        assert [row["row"] for row in several] == [1, 2, 3, 4, 5]
        assert [row["email"] for row in several] == [f"partes{n}@ejemplo.com" for n in range(1, 6)]

        # A file.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "notas.csv"
            lines = [f"archivo{n}@ejemplo.com,Ana Núñez {n},B" for n in range(1, 11)]
            file.write_text("\n".join(["email,recipient_name,result_value", *lines]) + "\n")
            foreseen = client.upload(template, file, dry_run=True, poll_seconds=POLL)
            assert foreseen.get("dry_run") is True
            job = client.upload(template, file, poll_seconds=POLL)
        assert job["status"] == "SUCCESS" and job["result"]["successful"] == 10, job
        assert client.wait(job["job_id"])["job_id"] == job["job_id"]
        assert client.results_file(job["job_id"], poll_seconds=POLL).decode("utf-8-sig").count("issued") == 10
        try:
            client.upload(template, b"nombre\nAna\n", file_name="notas.csv", poll_seconds=POLL)
            failed: Exception | None = None
        except unicreda.UnicredaError as error:
            failed = error
        raises(unicreda.JobFailedError, "missing_column", failed)

        # Iterators, over more than a page.
        listed = [it["credential_id"] for it in client.iter_credentials(template_id=template, page_size=7)]
        assert len(listed) == len(set(listed)) == 46, len(listed)
        assert len(list(client.iter_job_results(job["job_id"], status="issued", page_size=3))) == 10
        assert template in [it["id"] for it in client.iter_templates(page_size=1)]
        assert job["job_id"] in [it["job_id"] for it in client.iter_jobs(page_size=2)]

        # Verify, revoke.
        assert client.verify({"url": issued["credential_url"]})["verified"] is True
        assert client.revoke_credential(issued["credential_id"], {"reason": "prueba"})["status"] == "revoked"
        assert client.verify({"url": issued["credential_url"]})["verified"] is False
        errors(client, template, issued["credential_id"])
    cut(template, key["key"])


def errors(client: Unicreda, template: str, revoked: str) -> None:
    def error_of(call: object) -> Exception | None:
        try:
            assert callable(call)
            call()
        except unicreda.UnicredaError as error:
            return error
        return None

    refused = error_of(lambda: client.issue(template, {**person(1, "x"), "email": "invalido@test"}))
    assert isinstance(refused, unicreda.RecipientRefusedError)
    assert (refused.codes, refused.errors) == (["invalid_email"], ["Invalid email: invalido@test"])
    nowhere = "00000000-0000-4000-8000-000000000000"
    missing = error_of(lambda: client.get_credential(nowhere))
    raises(unicreda.NotFoundError, "not_found", missing)
    assert isinstance(missing, unicreda.ApiError) and missing.status == 404 and missing.request_id
    invalid = error_of(lambda: client.issue_credentials({"template_id": "x", "recipients": []}))
    raises(unicreda.InvalidRequestError, "invalid_request", invalid)
    assert isinstance(invalid, unicreda.ApiError)
    assert {it["pointer"] for it in invalid.errors} == {"/template_id", "/recipients"}, invalid.errors
    raises(
        unicreda.ConflictError, "conflict", error_of(lambda: client.suspend_credential(revoked, {"reason": "tarde"}))
    )
    raises(unicreda.PermissionDeniedError, "insufficient_scope", error_of(client.list_api_keys))
    stranger = Unicreda(SITE, "uc_live_demo_x")
    raises(unicreda.AuthenticationError, "unauthenticated", error_of(stranger.list_jobs))
    key = unicreda._retry.new_key()
    client.issue(template, person(2, "llave"), idempotency_key=key)
    mismatch = error_of(lambda: client.issue(template, person(3, "llave"), idempotency_key=key))
    raises(unicreda.IdempotencyMismatchError, "idempotency_mismatch", mismatch)
    nobody = Unicreda("http://127.0.0.1:9", "uc_live_demo_x", retries=0)
    raises(unicreda.ConnectionFailedError, "", error_of(nobody.list_jobs))


def cut(template: str, key: str) -> None:
    """An answer that breaks off is asked for again with the same key, and nothing is issued twice."""
    proxy = CuttingProxy(SITE, cuts=2)
    with Unicreda(proxy.site, key) as client:
        issued = client.issue(template, person(1, "cortado"))
        # The first answer, byte for byte: another key would have found a duplicate.
        assert issued["duplicate"] is False
        assert len(proxy.keys) == 3 and len(set(proxy.keys)) == 1 and proxy.keys[0], proxy.keys
        before = len(list(client.iter_jobs()))
        proxy._cuts = 1
        results = client.issue_many(template, [person(n, "trabajo") for n in range(1, 4)], poll_seconds=POLL)
        assert (results.successful, len(list(client.iter_jobs()))) == (3, before + 1)
        assert all(row["duplicate"] is False for row in results)
        # What has no key is not sent again.
        proxy._cuts, sent = 1, len(proxy.keys)
        try:
            client.resend_mail(issued["credential_id"])
            raise AssertionError("an answer that never came whole")
        except unicreda.ConnectionFailedError:
            assert len(proxy.keys) == sent + 1
    proxy.close()


async def awaited() -> None:
    async with AsyncUnicreda(BASE_URL, os.environ["API_KEY"]) as admin:
        template = (await admin.create_template(TEMPLATE))["id"]
    proxy = CuttingProxy(SITE, cuts=1)
    async with AsyncUnicreda(proxy.site, os.environ["API_KEY"]) as client:
        issued = await client.issue(template, person(1, "async"))
        assert issued["duplicate"] is False and len(proxy.keys) == 2 and len(set(proxy.keys)) == 1
        results = await client.issue_many(template, [person(n, "asyncs") for n in range(1, 6)], poll_seconds=POLL)
        assert (results.total, results.successful) == (5, 5)
        assert [row["row"] async for row in results] == [1, 2, 3, 4, 5]
    async with AsyncUnicreda(BASE_URL, os.environ["API_KEY"]) as client:
        content = "email,recipient_name,result_value\nasync9@ejemplo.com,Eva,B\n".encode()
        job = await client.upload(template, content, file_name="notas.csv", poll_seconds=POLL)
        assert job["result"]["successful"] == 1
        found = [it async for it in client.iter_credentials(template_id=template, email="async9@ejemplo.com")]
        assert len(found) == 1
        assert (await client.verify({"url": issued["credential_url"]}))["verified"] is True
        try:
            await client.get_job("00000000-0000-4000-8000-000000000000")
            raise AssertionError("a job that is not there")
        except unicreda.NotFoundError:
            pass
    proxy.close()


if __name__ == "__main__":
    waiting()
    asyncio.run(awaited())
    print("OK")
