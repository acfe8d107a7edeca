/** A client that insists: it repeats each submission under the same idempotency key until it has a 202. */
import { newMessageId } from '../../protocol/message-id.ts';

export interface Submission {
  readonly transaction: string;
  readonly image: Uint8Array;
}

const PAUSE_MS = 200;
const ATTEMPT_TIMEOUT_MS = 10_000;
/** What a submission may be refused with so that repeating it is right. */
const LATER = [429, 503];

export class ClientProgram {
  readonly token: string;
  /** Ids of the images that were answered 202. */
  readonly accepted = new Set<string>();
  /** How often a submission was refused for now, by status. */
  readonly refused = new Map<number, number>();

  constructor(token: string) {
    this.token = token;
  }

  /**
   * @param url asked before each attempt: the server may have come back on another port
   * @throws {TypeError} a submission was answered with anything but 202, 429 and 503
   */
  async submitAll(url: () => string, submissions: readonly Submission[]): Promise<void> {
    for (const submission of submissions) this.accepted.add(await this.#submit(url, submission));
  }

  async #submit(url: () => string, { transaction, image }: Submission): Promise<string> {
    const key = newMessageId(Date.now());
    for (;;) {
      try {
        const response = await fetch(`${url()}/v1/transactions/${transaction}/images`, {
          method: 'POST',
          headers: { authorization: `Bearer ${this.token}`, 'content-type': 'image/jpeg', 'idempotency-key': key },
          body: Buffer.from(image),
          signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
        });
        const { status } = response;
        const body = (await response.json()) as { images: { image: string }[] };
        if (status === 202) return body.images[0]!.image;
        // Our own earlier attempt may still be at it.
        if (!LATER.includes(status) && status !== 409)
          throw new TypeError(`refused with ${status}: ${JSON.stringify(body)}`);
        this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
      } catch (error) {
        // A TypeError of fetch is a connection that broke; ours says that repeating will not help.
        if (error instanceof TypeError && error.message.startsWith('refused')) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
