/**
 * Which messages are results of vision services.
 *
 * By convention the payload of a result begins with `image_id` and `index` and has a `label` and a `confidence`: readers filter on these
 * without knowing the type.
 */
import type { MessageShape } from './shape.ts';

const CONVENTION = { imageId: 'string', index: 'uint32', label: 'string', confidence: 'double' } as const;

export function isResultShape(shape: MessageShape): boolean {
  return Object.entries(CONVENTION).every(([name, scalar]) =>
    shape.fields.some((field) => field.name === name && field.value.kind === 'scalar' && field.value.scalar === scalar),
  );
}
