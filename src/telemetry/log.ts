import { pino, stdTimeFunctions } from 'pino';
import type { Log } from '../controller/ports.ts';
import type { LogLevel } from './loglevel.ts';

/** One line of JSON per entry on stdout. */
export function createLog(level: LogLevel): Log {
  return pino({
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // A request that failed must not carry its headers into the log.
    redact: { paths: ['err.config', 'err.request', 'err.response'], remove: true },
  });
}
