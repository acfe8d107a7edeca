/** Tells the grants of vision services from those of the platform itself. */
import { type Grants, grantedService } from './grant.ts';

/** Services that a token can name and that do not describe images. */
const PLATFORM_SERVICES = new Set(['firehose', 'ingest', 'push', 'summary']);

/** Names of the vision services that the grants allow in any version, sorted, each once: what completes an image. */
export function visionServices(grants: Grants): string[] {
  const names = new Set(Object.keys(grants).map(grantedService));
  return [...names].filter((name) => !PLATFORM_SERVICES.has(name)).sort();
}
