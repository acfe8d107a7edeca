/** What `npm start` shows a newcomer once everything is ready: commands to paste, with a token that works. */
import type { SluiceConfig } from './config.ts';
import { mintFor } from './mint.ts';

const DAY_SECONDS = 86_400;
const SAMPLE = 'vision/samples/card.jpg';

export async function welcome(url: string, config: SluiceConfig): Promise<string> {
  const token = await mintFor(config.data, 'demo', [], DAY_SECONDS);
  return `
Sluice is ready at ${url}

  TOKEN=${token}

Hold the firehose open:
  curl -N -H "Authorization: Bearer $TOKEN" "${url}/v1/firehose?from=earliest"

Submit an image:
  curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: image/jpeg" --data-binary @${SAMPLE} \\
    ${url}/v1/transactions/first/images

Or with the command:   npx sluice submit ${SAMPLE} --token "$TOKEN" --url ${url}
                       npx sluice tail --since earliest --token "$TOKEN" --url ${url}

See it ${url}/console   API ${url}/openapi
Health ${url}/readyz   Metrics ${url}/metrics   Data ${config.data}   Stop with Ctrl-C
`;
}
