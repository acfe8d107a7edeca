/** A parent for a test to kill: starts an inference process and tells its child's pid. */
import { startInferenceProcess } from './inference-process.ts';

const inference = startInferenceProcess({ service: 'barcode', threads: 1 });
await inference.ready();
process.send?.(inference.status().pid);
