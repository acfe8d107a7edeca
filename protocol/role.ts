/** What the composition root knows of a running role. */
import type { FastifyPluginAsync } from 'fastify';

/** One line of a role's answer to "can you do your work?", shown by /readyz. */
export interface Readiness {
  readonly ready: boolean;
  /** For people: what is missing, or what it runs on ("cpu", "3 partitions"). */
  readonly detail: string;
}

/**
 * A role that has been started.
 *
 * The composition root registers `routes` (if any) on the HTTP edge before it listens, reads
 * `readiness` whenever /readyz is asked, and calls `stop` once on shutdown.
 */
export interface RunningRole {
  readonly name: string;
  readonly routes?: FastifyPluginAsync;
  readiness(): Readiness;
  /** Takes no new work, finishes or hands back what is in flight, and releases every resource. */
  stop(): Promise<void>;
}
