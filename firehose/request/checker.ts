/** Reads untyped input field by field and collects everything that is wrong with it, each with the field's name. */
import { type FieldError, Problem } from '../../protocol/http/problem.ts';

export type Fields = Readonly<Record<string, unknown>>;

export class Checker {
  readonly errors: FieldError[] = [];
  readonly #nameOf: (pointer: string) => string;

  /** @param nameOf what a field is called to the client, by its JSON Pointer */
  constructor(nameOf: (pointer: string) => string = (pointer) => pointer) {
    this.#nameOf = nameOf;
  }

  wrong(pointer: string, detail: string, position?: FieldError['position']): undefined {
    const field = this.#nameOf(pointer) || '/';
    this.errors.push({ field, detail, ...(position !== undefined && { position }) });
    return undefined;
  }

  /** @throws {Problem} invalid-request with all that was wrong, if anything was */
  refuse(): void {
    if (this.errors.length === 0) return;
    const detail = this.errors.map((error) => `${error.field} ${error.detail}`).join('; ');
    throw new Problem('invalid-request', `${detail}.`, { members: { errors: this.errors } });
  }

  /** An object that has no other fields than those known; undefined where the value is absent or something else. */
  object(value: unknown, pointer: string, known: readonly string[]): Fields | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.wrong(pointer, `must be an object with ${known.join(', ')}`);
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) this.wrong(`${pointer}/${name}`, `is no field here; known are ${known.join(', ')}`);
    }
    return value as Fields;
  }

  integer(value: unknown, pointer: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
    if (value === undefined) return undefined;
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      const range =
        max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`;
      return this.wrong(pointer, `must be ${range}`);
    }
    return value as number;
  }

  number(value: unknown, pointer: string, min: number, max: number): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !(value >= min && value <= max))
      return this.wrong(pointer, `must be a number from ${min} to ${max}`);
    return value;
  }

  boolean(value: unknown, pointer: string): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    return this.wrong(pointer, 'must be true or false');
  }

  text(value: unknown, pointer: string, pattern: RegExp, what: string): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || !pattern.test(value)) return this.wrong(pointer, `must be ${what}`);
    return value;
  }

  choice<Choice extends string>(value: unknown, pointer: string, choices: readonly Choice[]): Choice | undefined {
    if (value === undefined) return undefined;
    if (choices.includes(value as Choice)) return value as Choice;
    return this.wrong(pointer, `must be one of ${choices.map((choice) => `"${choice}"`).join(', ')}`);
  }

  /** A non-empty list of texts. */
  texts(value: unknown, pointer: string, max: number): readonly string[] | undefined {
    if (value === undefined) return undefined;
    const fits = Array.isArray(value) && value.length > 0 && value.length <= max;
    if (!fits || !value.every((item) => typeof item === 'string' && item !== '' && item.length <= 256))
      return this.wrong(pointer, `must be a list of 1 to ${max} texts of 1 to 256 characters`);
    return value;
  }

  /** RFC 3339 to milliseconds since the epoch. */
  time(value: unknown, pointer: string): number | undefined {
    if (value === undefined) return undefined;
    const text = this.text(value, pointer, RFC3339, 'a time such as "2026-01-31T12:00:00Z"');
    if (text === undefined) return undefined;
    const time = Date.parse(text);
    // Date.parse makes 2 March of 30 February.
    const day = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate();
    return Number.isNaN(time) || day !== Number(text.slice(8, 10))
      ? this.wrong(pointer, 'is no moment that exists')
      : time;
  }
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
