/**
 * Several engines of one service as one: each image goes to the engine that has the fewest in work.
 *
 * A model whose batch is fixed at one gains nothing from batching; running it several times side by side is how such a
 * service uses more cores than one inference can.
 */
import type { Engine } from './engine.ts';

/** @param engines at least one; a single one is given back as it is */
export function enginePool(engines: readonly Engine[]): Engine {
  const [first, ...others] = engines;
  if (first === undefined) throw new RangeError('a pool needs an engine');
  if (others.length === 0) return first;
  const inWork = new Map(engines.map((engine) => [engine, 0]));

  /** Of equals the first that is ready: one that is being replaced would only keep the image waiting. */
  const freest = (): Engine =>
    engines.reduce((best, engine) => {
      const difference = inWork.get(engine)! - inWork.get(best)!;
      if (engine.state().ready !== best.state().ready) return engine.state().ready ? engine : best;
      return difference < 0 ? engine : best;
    });

  return {
    ready: () => Promise.all(engines.map((engine) => engine.ready())),
    async analyse(image, config, options) {
      const engine = freest();
      inWork.set(engine, inWork.get(engine)! + 1);
      try {
        return await engine.analyse(image, config, options);
      } finally {
        inWork.set(engine, inWork.get(engine)! - 1);
      }
    },
    state() {
      // One that is being replaced leaves the others to do the work.
      const ready = engines.filter((engine) => engine.state().ready);
      const { detail } = (ready[0] ?? first).state();
      return { ready: ready.length > 0, detail: `${ready.length} of ${engines.length} processes: ${detail}` };
    },
    async close() {
      await Promise.all(engines.map((engine) => engine.close()));
    },
  };
}
