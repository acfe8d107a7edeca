/** What the firehose benchmark and its server process say to each other. */

export type ToServer =
  /** Journals so many entries of so many bytes for each client, before anything is measured. */
  | { readonly kind: 'fill'; readonly clients: readonly string[]; readonly entries: number; readonly bytes: number }
  /** Journals one entry, as the journaler would. Its payload says which one it is and when it was due. */
  | {
      readonly kind: 'append';
      readonly client: string;
      readonly bytes: number;
      readonly n: number;
      readonly at: number;
    }
  /** Journals an entry for each client in one commit. */
  | { readonly kind: 'round'; readonly clients: readonly string[]; readonly bytes: number }
  /** `collect`: after garbage has been collected, which costs processor time of its own. */
  | { readonly kind: 'usage'; readonly collect: boolean };

export type FromServer =
  | { readonly kind: 'listening'; readonly port: number; readonly token: Readonly<Record<string, string>> }
  | { readonly kind: 'done' }
  | { readonly kind: 'usage'; readonly rssBytes: number; readonly cpuSeconds: number };
