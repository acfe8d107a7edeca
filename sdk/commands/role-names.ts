/** The roles of a deployment, in the order in which they stop. */
export const ROLES = ['identity', 'gateway', 'firehose', 'vision', 'summary', 'push'] as const;
export type RoleName = (typeof ROLES)[number];
