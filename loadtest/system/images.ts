/** Images through a deployment: all at once, or at a pace; each is judged from the client's side, as a customer would. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedToken } from '../load/client-tokens.ts';
import { LoadClient } from '../load/load-client.ts';
import { quantile } from '../statistics.ts';
import { samples } from '../vision/work.ts';
import type { Deployment } from './deployment.ts';

const IMAGES_PER_TRANSACTION = 7;
/** A submission that is refused for load is repeated. */
const PATIENCE_MS = 600_000;

export interface Passage {
  readonly images: number;
  readonly seconds: number;
  /** From the start of the request to the last service's completion being read. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class ImageLoad {
  readonly #client: LoadClient;
  readonly #images: readonly Uint8Array[];
  #latencies: number[] = [];
  #sent = 0;

  private constructor(open: (finished: (latencyMs: number) => void) => LoadClient, images: readonly Uint8Array[]) {
    this.#client = open((latencyMs) => this.#latencies.push(latencyMs));
    this.#images = images;
  }

  static async open({ url, firehoseUrl, token }: Deployment): Promise<ImageLoad> {
    const images = samples();
    let finished: (latencyMs: number) => void = () => {};
    const client = await LoadClient.open({
      url,
      firehoseUrl,
      token: fixedToken(token),
      image: images[0]!,
      mediaType: 'image/jpeg',
      now: () => performance.now(),
      onFinished: ({ latencyMs }) => finished(latencyMs),
    });
    return new ImageLoad((told) => {
      finished = told;
      return client;
    }, images);
  }

  /** @param intervalMs between two images; 0: as many as the gateway takes */
  async send(count: number, intervalMs: number): Promise<Passage> {
    this.#latencies = [];
    const [began, signal] = [performance.now(), AbortSignal.timeout(PATIENCE_MS)];
    const submissions: Promise<string | undefined>[] = [];
    for (let index = 0; index < count; index++) {
      const wait = index * intervalMs - (performance.now() - began);
      if (wait > 0) await sleep(wait);
      const [sent, image] = [this.#sent++, this.#images[index % this.#images.length]!];
      const transaction = `system-${Math.floor(sent / IMAGES_PER_TRANSACTION)}`;
      submissions.push(this.#client.submitSurely(transaction, `system-${sent}`, signal, image));
    }
    const accepted = await Promise.all(submissions);
    if (accepted.includes(undefined)) throw new Error('an image was never accepted');
    while (this.#latencies.length < count && !signal.aborted) await sleep(5);
    const seconds = (performance.now() - began) / 1000;
    const findings = this.#client.checker.findings(true);
    if (findings.length > 0) throw new Error(findings.map(({ kind, detail }) => `${kind}: ${detail}`).join('\n'));
    const [p50Ms, p99Ms] = [quantile(this.#latencies, 0.5), quantile(this.#latencies, 0.99)];
    return { images: count, seconds, p50Ms, p99Ms };
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
