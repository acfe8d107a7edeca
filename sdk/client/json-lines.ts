/** Splits a body into lines and parses each as JSON, as the bytes come. */

const NEWLINE = 0x0a;

/** @throws {SyntaxError} a line is not JSON. A last line without its end is left out: it was cut off. */
export async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown[]> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const end = value.lastIndexOf(NEWLINE);
      if (end === -1) {
        rest.push(value);
        continue;
      }
      rest.push(value.subarray(0, end));
      let text = '';
      for (const part of rest) text += decoder.decode(part, { stream: true });
      text += decoder.decode();
      rest = end + 1 < value.length ? [value.subarray(end + 1)] : [];
      yield text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
