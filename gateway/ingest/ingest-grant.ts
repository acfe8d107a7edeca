/** What a token must grant for anything to be taken in with it. */
export const INGEST_GRANT = { service: 'ingest', version: { major: 1, minor: 0 } } as const;
