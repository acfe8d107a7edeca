import { expect, test } from 'vitest';
import { RunningCommand } from '../../test/harness/run-command.ts';
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

test('a data folder without a name is refused: it would be wherever the command was started', async () => {
  const command = new RunningCommand(['config', '--data', '']);
  expect(await command.ended).toBe(2);
  expect(command.stderr).toContain('data (--data) must not have fewer than 1 characters');
});
