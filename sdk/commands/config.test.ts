import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../protocol/config/load.ts';
import { SluiceConfig } from './config.ts';

const load = (flags: Record<string, string>) => loadConfig(SluiceConfig, { flags, environment: {} });

test.each<[Record<string, string>, string]>([
  [
    { 'telemetry-otlp-endpoint': 'localhost:4318' },
    'telemetry.otlpEndpoint (--telemetry-otlp-endpoint) must be an http',
  ],
  [{ 'telemetry-otlp-endpoint': 'http://localhost:99999' }, 'such as http://localhost:4318, or empty'],
  [{ 'cors-origins': '*,https://app.example/' }, 'corsOrigins.1 (--cors-origins) must be an origin without a path'],
  [{ 'cors-origins': 'app.example' }, "such as https://app.example or http://localhost:3000, or *; not 'app.example'"],
  [{ 'cors-origins': 'https://app.example:443' }, "not 'https://app.example:443'"],
])('%j is refused, saying what would be accepted', (flags, message) => {
  expect(() => load(flags)).toThrow(ConfigError);
  expect(() => load(flags)).toThrow(message);
});

test('every kind of origin and of collector that there is, is accepted', () => {
  const origins = ['*', 'https://app.example', 'http://localhost:3000', 'http://[::1]:8080', 'capacitor://localhost'];
  const otlpEndpoint = 'https://collector.example:4318/otlp';
  const config = load({ 'cors-origins': origins.join(','), 'telemetry-otlp-endpoint': otlpEndpoint });
  expect(config).toMatchObject({ corsOrigins: origins, telemetry: { otlpEndpoint } });
});
