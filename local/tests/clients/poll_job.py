"""Issues to a few recipients, one of them invalid, and polls the job with a bound.

The poller is the other form in which integrators write it: a function that returns the
result or raises. Base URL and key come from the environment.
"""

import json
import os
import time

import requests

API_KEY = os.environ["API_KEY"]
BASE_URL = os.environ["BASE_URL"]


def poll_job(job_id, api_key, interval=2, max_attempts=300):
    """Returns the result of a job that ends well; raises when it fails or takes too long."""
    for _ in range(max_attempts):
        response = requests.get(f"{BASE_URL}/jobs/{job_id}", headers={"X-API-Key": api_key})
        response.raise_for_status()
        job = response.json()
        if job["status"] == "SUCCESS":
            return job["result"]
        if job["status"] == "FAILURE":
            raise RuntimeError(job["error"])
        if job["status"] == "PROGRESS":
            progress = job["progress"]
            print(f"{progress['current']}/{progress['total']}: {progress['status']}")
        time.sleep(interval)
    raise TimeoutError(f"job {job_id} has not ended after {max_attempts} attempts")


def person(number, **changes):
    return {
        "email": f"alumna{number}@ejemplo.com",
        "recipient_name": f"Alumna {number}",
        "result_value": "B",
        **changes,
    }


response = requests.post(
    f"{BASE_URL}/credentials/issue",
    headers={"X-API-Key": API_KEY, "Content-Type": "application/json"},
    json={
        "template_id": os.environ["TEMPLATE_ID"],
        "recipients": [
            person(1),
            person(2, email="invalido@test"),
            person(3, result_value="Z"),
            {"email": "ana.rojas@demo.example", "result_value": "A"},
        ],
    },
)
result = poll_job(response.json()["job_id"], API_KEY)
print("RESULT " + json.dumps(result))
