// Made by infra/clients.py from docs/openapi.json; changes are lost.

/** What takes an `Idempotency-Key`. */
export const KEYED = [
  "POST /api/v1/credentials/issue",
  "POST /api/v1/credentials/revoke",
  "POST /api/v1/credentials/{credential_id}/erase",
  "POST /api/v1/people/erase",
  "GET /api/v1/people/{email}/export",
];
