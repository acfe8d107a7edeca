import { expect, test } from 'vitest';
import { isTrustedNode } from './trusted-node.ts';

const trusts = (base: string, target: string, ...allowed: string[]) =>
  isTrustedNode(new URL(base), new URL(target), allowed);

test.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8081/v1/firehose?from=1'],
  ['https://sluice.example', 'https://sluice.example:8443'],
  ['https://sluice.example', 'https://node-0.sluice.example'],
  ['http://sluice.example', 'https://node-0.sluice.example'],
  ['https://sluice.example', 'https://node-0.elsewhere.example', 'node-0.elsewhere.example'],
  ['https://sluice.example', 'https://node-0.elsewhere.example:8443', 'Node-0.Elsewhere.example:8443'],
  ['http://firehose.sluice.svc', 'http://firehose-0.firehose-nodes.sluice.svc:8080', '*.firehose-nodes.sluice.svc'],
])('%s may send the token on to %s', (base, target, ...allowed) => {
  expect(trusts(base, target, ...allowed)).toBe(true);
});

test.each([
  ['https://sluice.example', 'https://attacker.example'],
  ['https://sluice.example', 'https://notsluice.example'],
  ['https://sluice.example', 'http://sluice.example'],
  ['https://sluice.example', 'http://node-0.elsewhere.example', 'node-0.elsewhere.example'],
  ['https://a.sluice.example', 'https://b.sluice.example'],
  ['http://10.0.0.1', 'http://1.10.0.0.1.example'],
  ['https://sluice.example', 'https://nodes.example', '*.nodes.example'],
  ['https://sluice.example', 'https://node-0.example:81', 'node-0.example:80'],
  ['https://sluice.example', 'ftp://sluice.example'],
])('%s may not send the token on to %s', (base, target, ...allowed) => {
  expect(trusts(base, target, ...allowed)).toBe(false);
});
