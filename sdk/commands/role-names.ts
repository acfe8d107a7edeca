/** The roles of a deployment, in the order in which they stop. */
export const ROLES = ['gateway', 'firehose', 'vision', 'summary'] as const;
export type RoleName = (typeof ROLES)[number];
