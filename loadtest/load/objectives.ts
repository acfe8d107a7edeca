/** Objectives that a load run is judged by: stated beforehand, on the command line, as `p99_ms<=2000`. */

export interface Objective {
  readonly measure: string;
  readonly bound: '<=' | '>=';
  readonly value: number;
}

export interface Verdict extends Objective {
  readonly measured: number;
  readonly met: boolean;
}

const OBJECTIVE = /^([a-z][a-z0-9_]*)(<=|>=)(\d+(?:\.\d+)?)$/;

/** Nothing accepted is lost, whatever the load. */
export const ALWAYS: readonly Objective[] = [
  { measure: 'findings', bound: '<=', value: 0 },
  { measure: 'unfinished', bound: '<=', value: 0 },
];

/** @throws {TypeError} */
export function parseObjective(text: string): Objective {
  const [, measure, bound, value] = OBJECTIVE.exec(text) ?? [];
  if (measure === undefined) throw new TypeError(`'${text}' is no objective: write p99_ms<=2000 or accepted>=100`);
  return { measure, bound: bound as '<=' | '>=', value: Number(value) };
}

/** @throws {TypeError} an objective names no measure */
export function checkObjectives(objectives: readonly Objective[], measures: readonly string[]): void {
  for (const { measure } of objectives)
    if (!measures.includes(measure))
      throw new TypeError(`'${measure}' is not measured; there are ${measures.join(', ')}`);
}

/** @throws {TypeError} an objective names no measure */
export function judge(objectives: readonly Objective[], measures: Readonly<Record<string, number>>): Verdict[] {
  checkObjectives(objectives, Object.keys(measures));
  return objectives.map((objective) => {
    const measured = measures[objective.measure]!;
    // Not a number (nothing finished, so no latency) meets nothing.
    const met = objective.bound === '<=' ? measured <= objective.value : measured >= objective.value;
    return { ...objective, measured, met };
  });
}
