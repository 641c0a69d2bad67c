"""Issues to the people of a CSV file, and writes beside it what became of each.

    python issue_from_csv.py notas.csv

BASE_URL, API_KEY and TEMPLATE_ID come from the environment. The first line of the file has the names of the fields:
email, recipient_name, result_value and others that the template has. Run it again whenever it was cut off: nothing is issued or mailed twice.
"""

import csv
import os
import sys
from pathlib import Path
from typing import cast

from unicreda import Progress, Unicreda
from unicreda.models import Recipient


def read(file: Path) -> list[Recipient]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(lines)]
    return [cast("Recipient", row) for row in rows if row]


def show(progress: Progress) -> None:
    print(f"{progress.current} of {progress.total} issued, {progress.emails_done} mails done")


def main() -> int:
    file = Path(sys.argv[1])
    with Unicreda(os.environ["BASE_URL"], os.environ["API_KEY"], language="en") as client:
        results = client.issue_many(os.environ["TEMPLATE_ID"], read(file), on_progress=show)
        outcome = file.with_suffix(".results.csv")
        with outcome.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(["row", "email", "status", "credential_url", "error"])
            for row in results:
                writer.writerow([row["row"], row["email"], row["status"], row["credential_url"], row["error"]])
    print(f"{results.successful} of {results.total} have their credential, {results.failed} failed: {outcome}")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
