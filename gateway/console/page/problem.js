/** Errors of the server as it describes them: RFC 9457. */

export class ProblemError extends Error {
  /** @param {{ title?: string, detail?: string, status?: number, errors?: { field: string, detail: string }[] }} problem */
  constructor(problem) {
    super(problem.detail ?? problem.title ?? `status ${problem.status}`);
    this.status = problem.status ?? 0;
    this.errors = problem.errors ?? [];
  }
}

/**
 * @param {Response} response
 * @returns {Promise<ProblemError>}
 */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new ProblemError({ status: response.status, title: response.statusText, ...body });
}
