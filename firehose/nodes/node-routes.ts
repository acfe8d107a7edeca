/** `GET /v1/nodes`: the firehose nodes that are up and how their partitions are, for operators. */
import type { FastifyInstance } from 'fastify';
import { type HeldPartition, PartitionState } from '../../protocol/generated/node/v1m0/node_pb.js';
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import { authorisation } from '../http/authorisation.ts';
import { clientLimits } from '../limits.ts';
import type { NodeDirectory } from './node-directory.ts';

export async function registerNodeRoutes(
  server: FastifyInstance,
  firehose: Firehose,
  directory: NodeDirectory,
): Promise<void> {
  const authorised = authorisation(firehose);
  server.get(
    '/v1/nodes',
    {
      config: { problems: ['invalid-grant-configuration'] },
      schema: { tags: ['operators'], summary: 'The firehose nodes and their partitions' },
    },
    async (request) => {
      const { configuration } = await authorised(request);
      if (!clientLimits(configuration, firehose.config).operator) {
        const required = 'firehose-1={"operator":true}';
        throw new Problem('not-granted', 'Nodes are shown to operators.', { members: { required } });
      }
      const nodes = directory.all().map(({ id, url, epoch, partitions }) => ({
        id,
        url: url === '' ? null : url,
        epoch,
        partitions: partitions.map(describe),
      }));
      return { node: firehose.nodeId, nodes };
    },
  );
}

function describe({ partition, state, lag, progress, earliest }: HeldPartition) {
  return { partition, state: PartitionState[state]?.toLowerCase(), lag, progress, earliest };
}
