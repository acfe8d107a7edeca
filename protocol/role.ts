/** What the composition root gives to a role, and what it knows of a running one. */
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { BlobStore } from './blob/blob-store.ts';
import type { TokenVerifier } from './claims/verifier.ts';
import type { Log } from './log/log.ts';
import type { LogSettings } from './log/settings.ts';
import type { TelemetryConfig } from './telemetry/config.ts';

export interface RoleContext {
  readonly log: Log;
  /** How `log` was opened, for a role that opens it again in a thread of its own. */
  readonly logSettings: LogSettings;
  /** How traces are sent, for a role that has threads of its own; absent: not at all. */
  readonly telemetry?: TelemetryConfig;
  readonly verifier: TokenVerifier;
  /** Images that are too large for the log. */
  readonly blobs: BlobStore;
  readonly logger: Logger;
  /** Where the role registers its metrics; their names begin with `sluice_<role>_`. */
  readonly metrics: Registry;
  /** Folder that belongs to this role alone, made by the role when it needs it. */
  readonly dataFolder: string;
  /** Folder of the deployment's keys: for a thread that verifies tokens itself, and for sealed secrets. */
  readonly keysFolder: string;
}

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
