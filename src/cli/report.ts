import type { ReportRow } from '../report/report.ts';

/** What a source of recommendations found. */
export interface Report {
  readonly rows: readonly ReportRow[];
  /** Workloads whose usage could not be read, with the reason. */
  readonly failures: readonly string[];
  /** What the reader ought to know of the report as a whole. */
  readonly notes: readonly string[];
}
