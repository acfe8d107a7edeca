import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from './load.ts';

const schema = Type.Object(
  {
    port: Type.Integer({ default: 8080, minimum: 0, maximum: 65535 }),
    log: Type.Enum(['embedded', 'kafka'], { default: 'embedded' }),
    partitions: Type.Array(Type.Integer({ minimum: 0 }), { default: [] }),
    kafka: Type.Object(
      { brokers: Type.Array(Type.String(), { default: ['localhost:9092'] }), tls: Type.Boolean({ default: false }) },
      { default: {}, additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

const load = (flags: Record<string, string>, environment: Record<string, string> = {}, file?: unknown) =>
  loadConfig(schema, { flags, environment, file });

test('defaults stand where nothing is said', () => {
  expect(load({})).toEqual({
    port: 8080,
    log: 'embedded',
    partitions: [],
    kafka: { brokers: ['localhost:9092'], tls: false },
  });
});

test('a flag beats the environment, which beats the file', () => {
  const file = { port: 1, kafka: { tls: true } };
  expect(load({}, {}, file)).toMatchObject({ port: 1, kafka: { tls: true } });
  expect(load({}, { SLUICE_PORT: '2' }, file)).toMatchObject({ port: 2, kafka: { tls: true } });
  expect(load({ port: '3' }, { SLUICE_PORT: '2' }, file)).toMatchObject({ port: 3 });
});

test('lists are separated by commas', () => {
  expect(load({}, { SLUICE_KAFKA_BROKERS: 'a:1,b:2' }).kafka.brokers).toEqual(['a:1', 'b:2']);
  expect(load({ partitions: '0,12' }).partitions).toEqual([0, 12]);
});

describe('what is refused, and says why', () => {
  test.each([
    [() => load({ prot: '1' }), /--prot is no setting/],
    [() => load({}, { SLUICE_KAFKA_BROKER: 'a' }), /SLUICE_KAFKA_BROKER is no setting; did you mean SLUICE_KAFKA/],
    [() => load({ port: 'eighty' }), /--port is a number, not 'eighty'/],
    [() => load({ partitions: '0,one' }), /--partitions is a number, not 'one'/],
    [() => load({ port: '70000' }), /port \(--port\) must be <= 65535/],
    [() => load({ log: 'redis' }), /log \(--log\) must be equal to one of the allowed values: embedded, kafka/],
    [() => load({ 'kafka-tls': 'yes' }), /--kafka-tls is true or false, not 'yes'/],
    [() => load({}, {}, { kafka: { broker: 'a' } }), /kafka.broker is no setting/],
  ])('%#', (attempt, message) => {
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(message);
  });
});
