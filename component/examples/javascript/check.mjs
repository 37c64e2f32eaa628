// Runs the table of decisions through jco and Node.js, a host that nobody here wrote, and decide.mjs
// over three of its rows. `make component-js` calls it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { catalog, policies } from './generated/hopguard.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const table = JSON.parse(await readFile(here('../../table/decisions.json'), 'utf8'));
const now = BigInt(table.now);

// From the words of wit/ to jco's: camel case, and variants with a tag.
const camel = (name) => name.replace(/-./g, (dash) => dash[1].toUpperCase());

const converted = {
  transport: (given) => {
    if (given === 'plaintext') return { tag: given };
    const [[tag, val]] = Object.entries(given);
    return { tag, val: val ?? undefined };
  },
  'peer-certificate': (name) => Buffer.from(table.certificates[name]),
  'peer-certificate-sha256': (hex) => Buffer.from(hex, 'hex'),
  'stapled-ocsp-response': (name) => Buffer.from(table['ocsp-responses'][name], 'base64'),
  request: (request) => ({ headers: [], ...request }),
};

const connection = (given) =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      camel(name),
      (converted[name] ?? ((same) => same))(value),
    ]),
  );

const codes = (findings) => findings.map(({ cause }) => cause);

test('each row comes to what it is to come to', () => {
  const parsed = Object.fromEntries(
    Object.entries(table.policies).map(([name, policy]) => [
      name,
      policies.Policy.parse(JSON.stringify(policy), now),
    ]),
  );
  assert.ok(table.rows.length > 90);
  for (const row of table.rows) {
    const given = connection(row.connection);
    const verdict = parsed[row.policy].decide(given, now);
    const { outcome, rule, findings, notices } = verdict;
    assert.deepEqual(
      [outcome, rule, codes(findings), codes(notices)],
      [row.outcome, row.rule, row.findings, row.notices],
      row.name,
    );
    assert.deepEqual(parsed[row.policy].explain(given, now).verdict, verdict, row.name);
  }
});

test('a policy that is wrong is refused, with the paths of its fields', () => {
  assert.throws(
    () => policies.Policy.parse('{"version":1,"mode":"off","expiry_warning_days":-1}', now),
    (errors) => {
      assert.deepEqual(errors.map(({ path }) => path).sort(), ['expiry_warning_days', 'mode']);
      return true;
    },
  );
});

test('each certificate is inspected, or refused', () => {
  for (const [name, pem] of Object.entries(table.certificates)) {
    const inspect = () => catalog.inspect(Buffer.from(pem));
    if (name === 'no-der' || name === 'too-many-names') {
      assert.throws(inspect, (reason) => typeof reason === 'string', name);
    } else {
      assert.match(inspect().sha256, /^[0-9a-f]{64}$/, name);
    }
  }
});

test('the example prints the verdict', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hopguard-'));
  try {
    for (const [policy, certificate, code, line] of [
      [table.policies.strict, 'server', 0, 'permit by rule default'],
      [table.policies.strict, 'expired', 1, 'V9.2.1 certificate_expired - '],
      [{ version: 1, mode: 'off' }, 'server', 1, 'mode: unknown variant'],
    ]) {
      const files = [join(folder, 'policy.json'), join(folder, 'server.pem')];
      await writeFile(files[0], JSON.stringify(policy));
      await writeFile(files[1], table.certificates[certificate]);
      const ran = spawnSync(process.execPath, [here('decide.mjs'), ...files, 'api.test', `${now}`], {
        encoding: 'utf8',
      });
      assert.equal(ran.status, code, ran.stderr);
      assert.ok((ran.stdout + ran.stderr).includes(line), ran.stdout + ran.stderr);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
