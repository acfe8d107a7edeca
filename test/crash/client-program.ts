/** A client that insists: it repeats each submission under the same idempotency key until it has a 202. */
import { newMessageId } from '../../protocol/message-id.ts';

export interface Submission {
  readonly transaction: string;
  readonly image: Uint8Array;
}

const PAUSE_MS = 200;
const ATTEMPT_TIMEOUT_MS = 10_000;

export class ClientProgram {
  readonly token: string;
  /** Ids of the images that were answered 202. */
  readonly accepted = new Set<string>();

  constructor(token: string) {
    this.token = token;
  }

  /** @param url asked before each attempt: the server may have come back on another port */
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
        const body = (await response.json()) as { images: { image: string }[] };
        if (response.status === 202) return body.images[0]!.image;
        if (response.status < 429) throw new TypeError(`refused with ${response.status}: ${JSON.stringify(body)}`);
      } catch (error) {
        // A TypeError of fetch is a connection that broke; ours says that repeating will not help.
        if (error instanceof TypeError && error.message.startsWith('refused')) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
