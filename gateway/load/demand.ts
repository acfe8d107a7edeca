/** What an image that is accepted under some grants will need: each vision service that they grant, the journal, and push. */
import { findGrant, type Grants, type ServiceVersion } from '../../protocol/claims/grant.ts';
import { visionServices } from '../../protocol/claims/vision-grants.ts';
import { PUSH_SERVICE, PUSH_VERSION, readPushGrant } from '../../protocol/webhook/grant.ts';

export interface Demand {
  readonly service: string;
  /** What the service's lag is counted in: images, or the records of results-1, of which an image makes several. */
  readonly unit: 'images' | 'records';
  /** Whether the image is for this instance: a version that is not granted passes it over. */
  readonly counts: (instance: string) => boolean;
}

/** The part of the platform through which every client reads, whatever its token grants. */
export const JOURNAL_SERVICE = 'firehose';

const JOURNAL: Demand = { service: JOURNAL_SERVICE, unit: 'records', counts: everyInstance };
const PUSH: Demand = { service: PUSH_SERVICE, unit: 'records', counts: everyInstance };

export function demandsOf(grants: Grants): Demand[] {
  const vision = visionServices(grants).map((service): Demand => {
    const counts = (instance: string) => {
      const version = versionNamed(instance);
      return version === undefined || findGrant(grants, service, version) !== undefined;
    };
    return { service, unit: 'images', counts };
  });
  return isPushed(grants) ? [...vision, JOURNAL, PUSH] : [...vision, JOURNAL];
}

/** The demand for a service by whoever is granted all of it. */
export function fullDemand(service: string): Demand {
  if (service === JOURNAL_SERVICE) return JOURNAL;
  if (service === PUSH_SERVICE) return PUSH;
  return { service, unit: 'images', counts: everyInstance };
}

/** The grant alone is for opting in; only with a webhook in it is anything pushed. */
function isPushed(grants: Grants): boolean {
  const configuration = findGrant(grants, PUSH_SERVICE, PUSH_VERSION);
  return configuration !== undefined && readPushGrant(configuration) !== undefined;
}

function versionNamed(instance: string): ServiceVersion | undefined {
  const match = /^([0-9]+)\.([0-9]+)$/.exec(instance);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

function everyInstance(): boolean {
  return true;
}
