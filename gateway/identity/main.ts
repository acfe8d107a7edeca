/** Starts the identity role: the authentication and the authorisation service, or one of them. */
import { followRevocations } from '../../protocol/claims/follow-revocations.ts';
import { openKeyRing } from '../../protocol/claims/key-ring.ts';
import { LogWatch } from '../../protocol/log/log-watch.ts';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { nodeName } from '../../protocol/node-name.ts';
import type { RoleContext, RunningRole } from '../../protocol/role.ts';
import { ClientDirectory } from '../clients/client-directory.ts';
import { AuthenticationService } from './authentication-service.ts';
import { AuthorisationService } from './authorisation-service.ts';
import { ClientAuthentication } from './client-authentication.ts';
import type { IdentityConfig } from './config.ts';
import { ExternalIssuers } from './external-issuers.ts';
import { identityMetrics } from './metrics.ts';
import { oauthRoutes } from './oauth-routes.ts';

const TIDY_EVERY_MS = 600_000;

export async function startIdentity(context: RoleContext, config: IdentityConfig): Promise<RunningRole> {
  const { log, logger, dataFolder, keysFolder } = context;
  const ring = await openKeyRing(keysFolder, { onError: (err) => logger.error({ err }, 'keys cannot be read again') });
  const followed = await followRevocations(log, (err) =>
    logger.warn({ err }, 'following revocations is being retried'),
  );
  const directory = await ClientDirectory.open(log, dataFolder, logger);
  const metrics = identityMetrics(context.metrics, () => directory.isUp);
  const clientAuthentication = new ClientAuthentication(directory, Date.now());
  const logWatch = new LogWatch({ log, name: `identity-${nodeName(dataFolder)}` });
  const keys = () => ring.keys();
  const random = Math.random;
  const tidying = setInterval(() => {
    removeExpired(context, directory).catch((err: unknown) => logger.warn({ err }, 'old revocations stay'));
  }, TIDY_EVERY_MS);

  return {
    name: 'identity',
    routes: oauthRoutes({
      log,
      keys,
      clientAuthentication,
      authenticationService: config.services.includes('authentication')
        ? new AuthenticationService({
            keys,
            authentication: clientAuthentication,
            longestMs: config.authenticationTtlMs,
            random,
          })
        : undefined,
      authorisationService: config.services.includes('authorisation')
        ? new AuthorisationService({
            keys,
            directory,
            externalIssuers: new ExternalIssuers(config.externalIssuers),
            revocations: followed.revocations,
            metrics,
            longestMs: config.authorisationTtlMs,
            degradedLongestMs: config.degradedTtlMs,
            random,
          })
        : undefined,
      metrics,
      issuer: config.issuer.replace(/\/$/, ''),
      requestsPerMinute: config.requestsPerMinute,
      now: Date.now,
    }),
    // Without its store the role still does part of its work and stays in service; without the log it hears of no
    // revocation and of no client that was locked out.
    readiness: () =>
      logWatch.readiness(directory.isUp ? config.services.join(' and ') : `degraded: ${directory.failure}`),
    async stop() {
      clearInterval(tidying);
      logWatch.close();
      ring.close();
      await followed.close();
      await directory.close();
    },
  };
}

async function removeExpired({ log }: RoleContext, directory: ClientDirectory): Promise<void> {
  const keys = directory.expiredRevocations(Date.now());
  if (keys.length > 0)
    await log.produce(
      CLIENTS_TOPIC,
      keys.map((key) => ({ key, value: null })),
    );
}
