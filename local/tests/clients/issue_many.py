"""Issues to 50 recipients and follows the job to its end.

A program as integrators write it from the API reference: it knows the documented fields
and nothing else. Base URL and key come from the environment.
"""

import os
import time

import requests

API_KEY = os.environ["API_KEY"]
BASE_URL = os.environ["BASE_URL"]
headers = {"X-API-Key": API_KEY, "Content-Type": "application/json"}

recipients = []
for number in range(1, 51):
    recipients.append({
        "email": f"estudiante{number}@ejemplo.com",
        "recipient_name": f"Estudiante {number}",
        "result_value": "A",
    })

response = requests.post(f"{BASE_URL}/credentials/issue", headers=headers, json={
    "template_id": os.environ["TEMPLATE_ID"],
    "recipients": recipients,
})
data = response.json()

if data["mode"] == "async":
    job_id = data["job_id"]
    while True:
        status = requests.get(f"{BASE_URL}/jobs/{job_id}", headers=headers).json()
        print(f"Status: {status['status']}")
        if status["status"] == "SUCCESS":
            print(f"Resultado: {status['result']}")
            break
        elif status["status"] == "FAILURE":
            print(f"Error: {status['error']}")
            break
        time.sleep(2)
