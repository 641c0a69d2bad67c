// Does what a wallet does with a text that it scans or is opened with: an interaction URL, the link of
// Learner Credential Wallet (`?request=`) or that of LearnCard (`?vc_request_url=`).
//
// In: the text, as the only argument. Out: one JSON object, { credential } or { gone: status, problem }.

const [text] = process.argv.slice(2);
const scanned = new URL(text);

class Gone extends Error {
  constructor(status, problem) {
    super(`${status}`);
    Object.assign(this, { status, problem });
  }
}

async function answer(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Gone(response.status, await response.json());
  return response.json();
}

/** The address of the exchange. */
async function exchangeOf(url) {
  if (url.searchParams.has("iuv")) {
    const { protocols } = await answer(url, { headers: { Accept: "application/json" } });
    return protocols.vcapi;
  }
  if (url.searchParams.has("request")) {
    const { credentialRequestOrigin, protocols } = JSON.parse(url.searchParams.get("request"));
    if (!credentialRequestOrigin || !protocols.vcapi) throw new Error("a malformed request");
    return protocols.vcapi;
  }
  return url.searchParams.get("vc_request_url");
}

/** Takes part in an exchange until it asks for nothing more. */
async function take(url, message = {}, rounds = 0) {
  if (rounds === 10) throw new Error("an exchange without an end");
  const body = JSON.stringify(message, null, 2);
  const headers = { "Content-Type": "application/json" };
  const said = await answer(url, { method: "POST", headers, body });
  if (!said.verifiablePresentationRequest) return said;
  return take(url, { verifiablePresentation: { type: ["VerifiablePresentation"] } }, rounds + 1);
}

try {
  const { verifiablePresentation } = await take(await exchangeOf(scanned));
  const [credential] = verifiablePresentation.verifiableCredential;
  console.log(JSON.stringify({ credential, type: verifiablePresentation.type }));
} catch (error) {
  if (!(error instanceof Gone)) throw error;
  console.log(JSON.stringify({ gone: error.status, problem: error.problem }));
}
