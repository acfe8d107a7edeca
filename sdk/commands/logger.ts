/** The logger of a process: JSON lines on stderr, prettier where a person is watching. */
import { type Logger, pino } from 'pino';

/** What must never be in a log line. */
const REDACTED = ['token', '*.token', 'headers.authorization', 'req.headers.authorization'];

export function createLogger(level: string): Logger {
  const options = { level, redact: REDACTED, base: { pid: process.pid } };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const transport = { target: 'pino-pretty', options: { destination: 2, ignore: 'pid' } };
  return pino({ ...options, transport });
}
