/** For tests of submissions: a gateway with small limits in front of a log that notes what is produced, and pictures to send it. */
import { type GatewayFixture, openGateway } from './gateway-fixture.ts';
import { type ProducingLog, producingLog } from './produced.ts';
import { sampleImage } from './sample-image.ts';

export const MAX_BYTES = 20_000;
export const INLINE_BYTES = 5_000;

export type Part = readonly [field: string, filename: string, content: Buffer];
type Headers = Record<string, string | undefined>;

export class SubmissionFixture {
  readonly log: ProducingLog;
  readonly gateway: GatewayFixture;
  readonly jpeg: Buffer;
  readonly png: Buffer;
  /** Of the client that `submit` sends as. */
  readonly token: string;

  private constructor(log: ProducingLog, gateway: GatewayFixture, pictures: readonly [Buffer, Buffer], token: string) {
    this.log = log;
    this.gateway = gateway;
    [this.jpeg, this.png] = pictures;
    this.token = token;
  }

  static async open(): Promise<SubmissionFixture> {
    const log = producingLog();
    const gateway = await openGateway(log, {
      maxImageBytes: MAX_BYTES,
      maxInlineImageBytes: INLINE_BYTES,
      maxImagePixels: 100 * 100,
      maxImagesPerRequest: 3,
      maxRequestBytes: 2 * MAX_BYTES,
      maxRequestsInFlightPerClient: 2,
      retryAfterSeconds: 7,
    });
    const pictures = [await sampleImage('image/jpeg'), await sampleImage('image/png', 20, 10)] as const;
    return new SubmissionFixture(log, gateway, pictures, await gateway.token('alice'));
  }

  /** Forgets what was produced; the log takes everything again. */
  reset(): void {
    this.log.produced.length = 0;
    this.log.beforeProduce = async () => {};
  }

  /** @param headers undefined: not sent. Default: the token, and that it is a JPEG */
  readonly submit = (content: Buffer | string, headers: Headers = {}, path = 't1/images') => {
    const all: Headers = { authorization: `Bearer ${this.token}`, 'content-type': 'image/jpeg', ...headers };
    return this.gateway.server.inject({
      method: 'POST',
      url: `/v1/transactions/${path}`,
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
        string,
        string
      >,
      body: content,
    });
  };

  async metric(name: string): Promise<number | undefined> {
    return (await this.gateway.metrics.getSingleMetric(name)?.get())?.values[0]?.value;
  }

  close(): Promise<void> {
    return this.gateway.close();
  }
}

/** A multipart body and its header. */
export function form(...parts: readonly Part[]): [Buffer, Record<string, string>] {
  const boundary = 'limit-of-parts';
  const encoded = parts.flatMap(([field, filename, content]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: image/png\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  const body = Buffer.concat([...encoded, Buffer.from(`--${boundary}--\r\n`)]);
  return [body, { 'content-type': `multipart/form-data; boundary=${boundary}` }];
}
