/**
 * `npm run kafka`: a real Kafka for development, until it is interrupted. Its data stays in .cache/kafka-data.
 *
 * npm run kafka -- [--port 9092] [--brokers 1|3] [--data FOLDER]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from './cluster.ts';
import { kafkaVersion } from './jars.ts';

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '9092' },
      brokers: { type: 'string', default: '1' },
      data: { type: 'string' },
    },
  });
  const brokers = Number(values.brokers);
  const folder = resolve(values.data ?? `.cache/kafka-data${brokers === 1 ? '' : `-${brokers}`}`);
  console.error(`Kafka ${kafkaVersion()} starts in ${folder} (the first time it is fetched from Maven Central)`);
  const cluster = await startKafka({ folder, brokers, port: Number(values.port) });
  console.error('To use it: npx sluice up --log kafka, with SLUICE_KAFKA_BROKERS set to');
  console.log(cluster.bootstrap.join(','));
  const stop = async () => {
    await cluster.stop();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
