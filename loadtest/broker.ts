/** A real Kafka broker of a benchmark's own, and the processor time that it has used. */
import { readFileSync } from 'node:fs';
import { type KafkaCluster, startKafka } from '../protocol/log/kafka/broker/cluster.ts';
import { MissingToolError } from '../protocol/tools/maven-jars.ts';
import { childrenOf, cpuSeconds } from './processor-time.ts';
import { VariantUnavailable } from './suite.ts';

export interface Broker extends KafkaCluster {
  /** Seconds since its start; of all brokers of this process. */
  cpuSeconds(): number;
}

/** @throws {VariantUnavailable} no broker can be run here */
export async function startBroker(folder: string): Promise<Broker> {
  try {
    const cluster = await startKafka({ folder });
    return Object.assign(cluster, { cpuSeconds: () => cpuSeconds(...childrenOf(process.pid).filter(isBroker)) });
  } catch (error) {
    if (error instanceof MissingToolError) throw new VariantUnavailable(error.message);
    throw error;
  }
}

function isBroker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'java';
}
