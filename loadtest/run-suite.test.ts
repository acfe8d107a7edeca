import { expect, test } from 'vitest';
import { reportHtml } from './report-html.ts';
import { reportTables } from './report-table.ts';
import { type BenchRun, runBefore } from './results.ts';
import { runSuite } from './run-suite.ts';
import { type Suite, type Variant, VariantUnavailable } from './suite.ts';

/** A variant that yields the given values, the first of them to the warm-up, and notes what is done to it. */
function scripted(name: string, kind: Variant['kind'], values: readonly number[], diary: string[]): Variant {
  let next = 0;
  return {
    name,
    kind,
    open: async () => ({
      measure: async () => {
        diary.push(name);
        return { value: values[next++]!, also: { p99_ms: next } };
      },
      close: async () => {
        diary.push(`close ${name}`);
      },
    }),
  };
}

const options = { scale: 1, progress: () => {} };
const missing: Variant = {
  name: 'elsewhere',
  kind: 'peer',
  open: async () => {
    throw new VariantUnavailable('needs <another> machine');
  },
};

function suiteOf(diary: string[]): Suite {
  return {
    name: 'trial',
    about: 'a trial',
    cases: [
      {
        name: 'one',
        unit: 'x/s',
        better: 'higher',
        rounds: 3,
        goals: [
          { subject: 'ours', against: 'raw', atLeast: 0.5 },
          { subject: 'ours', against: 'elsewhere', atLeast: 1 },
          { subject: 'ours', against: 'raw', atMost: 0.4 },
        ],
        variants: [
          scripted('ours', 'subject', [1, 60, 6, 600], diary),
          scripted('raw', 'limit', [1, 100, 10, 1000], diary),
          missing,
        ],
      },
    ],
  };
}

test('variants are warmed up, measured by turns in alternating order, and closed', async () => {
  const diary: string[] = [];
  await runSuite(suiteOf(diary), options);
  expect(diary).toEqual(
    ['ours', 'raw', 'ours', 'raw', 'raw', 'ours', 'ours', 'raw'].concat(['close raw', 'close ours']),
  );
});

test('a ratio is formed within each round, so a machine that slows down does not show in it', async () => {
  const { cases } = await runSuite(suiteOf([]), options);
  expect(cases[0]!.goals.map(({ ratio, met }) => [ratio, met])).toEqual([
    [0.6, true],
    [undefined, undefined],
    [0.6, false],
  ]);
  expect(cases[0]!.variants[0]).toMatchObject({ values: [60, 6, 600], median: 60, also: { p99_ms: 3 } });
});

test('a peer that fails is left out and the result says why; our own failure ends the run', async () => {
  const failing = (kind: Variant['kind']): Variant => {
    const variant = scripted('failing', kind, [1, 2, 3], []);
    return {
      ...variant,
      async open(context) {
        const open = await variant.open(context);
        return {
          ...open,
          async measure() {
            const found = await open.measure();
            if (found.value === 3) throw new Error('a message came twice');
            return found;
          },
        };
      },
    };
  };
  const suite = (kind: Variant['kind']): Suite => ({
    ...suiteOf([]),
    cases: [
      { ...suiteOf([]).cases[0]!, goals: [], variants: [scripted('ours', 'subject', [1, 2, 3, 4], []), failing(kind)] },
    ],
  });
  const { cases } = await runSuite(suite('peer'), options);
  expect(cases[0]!.variants).toMatchObject([
    { name: 'ours', values: [2, 3, 4] },
    { name: 'failing', values: [], unavailable: 'it failed: a message came twice' },
  ]);
  await expect(runSuite(suite('subject'), options)).rejects.toThrow('a message came twice');
});

test('a goal that names no variant is a mistake, not a pass', async () => {
  const suite = suiteOf([]);
  const wrong = { ...suite, cases: [{ ...suite.cases[0]!, goals: [{ subject: 'ours', against: 'nobody' }] }] };
  await expect(runSuite(wrong, options)).rejects.toThrow("'nobody'");
});

test('the report shows what ran, what did not and why, and the change since the run before', async () => {
  const result = await runSuite(suiteOf([]), options);
  const machine = { cpu: 'c', cores: 2, memory_gib: 4, system: 's', node: 'n', load_before: 0, commit: 'abc' };
  const runs: BenchRun[] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'].map((time) => ({
    ...result,
    time,
    scale: 1,
    machine,
  }));
  expect(runBefore(runs[1]!, runs)).toBe(runs[0]);
  const html = reportHtml(runs);
  expect(html).toContain('did not run: needs &#60;another&#62; machine');
  expect(html).toContain('+0.0 %');
  expect(html).toContain('over 2 runs: 0.60, 0.60');
  expect(html).not.toMatch(/<script|https?:\/\//);
  const tables = reportTables(runs[1]!);
  expect(tables).toContain('| one | ours | 60 | 6 – 600 | 3 |');
  expect(tables).toContain('|  | elsewhere | – (needs <another> machine) |  |  |');
});
