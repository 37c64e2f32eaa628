// Asks hopguard's policy about a server's certificate, from JavaScript.
//
//     npm ci && node transpile.mjs hopguard.component.wasm
//     node decide.mjs policy.json server.pem api.example.com [SECONDS]
//
// SECONDS since 1970 is the moment as of which it is judged, instead of now. The exit code is 1
// where the connection is denied.

import { readFile } from 'node:fs/promises';
import { policies } from './generated/hopguard.js';

const [policyFile, certificateFile, serverName, seconds] = process.argv.slice(2);
const now = BigInt(seconds ?? Math.floor(Date.now() / 1000));

let policy;
try {
  policy = policies.Policy.parse(await readFile(policyFile, 'utf8'), now);
} catch (errors) {
  // The error side of a WIT result is thrown as it is.
  if (!Array.isArray(errors)) throw errors;
  for (const { path, message } of errors) console.error(`${path}: ${message}`);
  process.exit(1);
}

let verdict;
try {
  verdict = policy.decide(
    {
      direction: 'upstream',
      transport: { tag: 'tls', val: 'tls13' },
      serverName,
      peerCertificate: await readFile(certificateFile),
      clientCertificate: false,
    },
    now,
  );
} catch (impossible) {
  if (impossible instanceof Error) throw impossible;
  // What no connection can show is no verdict, and so is a denial.
  console.error(`${impossible.field}: ${impossible.message}`);
  process.exit(1);
}
console.log(verdict.outcome, 'by rule', verdict.rule);
for (const { control, cause, detail } of [...verdict.findings, ...verdict.notices]) {
  console.log(' ', control, cause, '-', detail);
}
process.exit(verdict.outcome === 'deny' ? 1 : 0);
