/** One firehose response read frame by frame, with nothing of the client library. */

// biome-ignore lint/suspicious/noExplicitAny: any frame
export type AnyFrame = any;

export class RawStream implements AsyncDisposable {
  readonly response: Response;
  readonly frames: AnyFrame[] = [];
  readonly #abort: AbortController;
  readonly ended: Promise<void>;
  #wake: () => void = () => {};

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.ended = this.#read();
    this.ended.catch(() => {});
  }

  static async open(url: string, token: string, body: object = {}, init: RequestInit = {}): Promise<RawStream> {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/firehose`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: abort.signal,
      ...init,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        ...init.headers,
      },
    });
    if (!response.ok) throw Object.assign(new Error(`${response.status}`), { problem: await response.json() });
    return new RawStream(response, abort);
  }

  get messages(): AnyFrame[] {
    return this.frames.filter(({ kind }) => kind === 'message');
  }

  /** The first frame that passes, waiting for it as long as the test may take. */
  async until(test: (frame: AnyFrame) => boolean): Promise<AnyFrame> {
    let over = false;
    void this.ended
      .finally(() => {
        over = true;
        this.#wake();
      })
      .catch(() => {});
    for (let at = 0; ; ) {
      for (; at < this.frames.length; at++) if (test(this.frames[at])) return this.frames[at];
      if (over) throw new Error(`the stream ended before: ${JSON.stringify(this.frames.slice(-3))}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #read(): Promise<void> {
    let rest = '';
    for await (const text of this.response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line !== '') this.frames.push(JSON.parse(line));
      this.#wake();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.ended.catch(() => {});
  }
}
