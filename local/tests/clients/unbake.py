"""Takes the credential out of a badge, with a library that is not ours."""

import os

import requests
from openbadgeslib import baking

base_url = os.environ["BASE_URL"]
answer = requests.post(
    f"{base_url}/credentials/issue",
    headers={"X-API-Key": os.environ["API_KEY"]},
    json={
        "template_id": os.environ["TEMPLATE_ID"],
        "recipients": [{"email": "ana@ejemplo.com", "recipient_name": "Ana Ñandú", "result_value": "A"}],
    },
).json()
url = answer["credentials"][0]["credential_url"]
badge = requests.get(f"{url}/badge.png").content
carried = baking.extract_png(badge, keyword=baking.ITXT_KEYWORD_OB3)
signed = requests.get(f"{url}.json").content.decode()
print("UNBAKED" if carried == signed and "Ñandú" in signed else f"DIFFERENT {carried!r}")
