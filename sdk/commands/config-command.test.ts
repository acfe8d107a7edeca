import { expect, test } from 'vitest';
import { runSluice } from '../../test/harness/sluice-process.ts';

test('sluice config shows what is set but for secrets, and what it prints can be used as a config file', () => {
  const output = runSluice([
    'config',
    ...['--kafka-sasl-username', 'sluice', '--kafka-sasl-password', 'hunter2'],
    ...['--blobs-s3-secret-access-key', 'hunter3'],
  ]);
  expect(output).not.toContain('hunter');
  const { kafka, blobs } = JSON.parse(output);
  expect(kafka.saslUsername).toBe('sluice');
  expect('saslPassword' in kafka || 'secretAccessKey' in blobs.s3).toBe(false);
});
