/** Settings of every role that keeps journals: for how long it keeps those that were moved aside. */
import { Type } from 'typebox';

const DAY = 86_400_000;

export const ASIDE_SETTINGS = {
  asideKeep: Type.Integer({
    default: 1,
    minimum: 0,
    description: 'Journals that could not serve and were moved aside: how many are kept of each partition',
  }),
  asideKeepMs: Type.Integer({
    default: 7 * DAY,
    minimum: 0,
    description: 'How long a journal that was moved aside is kept; 0 for no limit',
  }),
};
