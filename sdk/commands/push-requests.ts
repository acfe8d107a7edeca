/** The requests that `sluice webhooks` makes to push, over the routes that clients use. */

export interface PushConnection {
  /** Base URL of the HTTP edge that runs push, without a slash at its end. */
  readonly url: string;
  readonly token: string;
}

/**
 * @param missing the answer where push knows nothing of the webhook yet
 * @throws {Error} with the problem's words
 */
export async function pushRequest(
  { url, token }: PushConnection,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  missing?: object,
): Promise<object> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((cause) => {
    throw new Error(`${url} does not answer: is it where push runs?`, { cause });
  });
  const answer = (await response.json()) as { title?: string; detail?: string };
  if (response.ok) return answer;
  if (response.status === 404 && missing !== undefined) return missing;
  throw new Error(`${path} was answered ${response.status}: ${answer.detail ?? answer.title ?? ''}`);
}

/** Every dead letter of the client, page by page. */
export async function* paged(connection: PushConnection): AsyncIterable<object> {
  for (let after = 0, more = true; more; ) {
    const page = await pushRequest(connection, 'GET', `/v1/webhook/dead-letters?after=${after}`);
    const { dead_letters: letters, more: goesOn } = page as { dead_letters: { id: number }[]; more: boolean };
    yield* letters;
    more = goesOn;
    after = letters.at(-1)?.id ?? after;
  }
}
