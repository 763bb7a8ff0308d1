/** What one check of an installation found, for people. */
export interface Finding {
  readonly area: 'Prometheus' | 'Kubernetes';
  /** A word or two, always the same for the same check. */
  readonly check: string;
  /** `WARN`: it works, with less than there could be; `FAIL`: it does not. */
  readonly result: 'OK' | 'WARN' | 'FAIL';
  /** A sentence without credentials. */
  readonly found: string;
  /** What to do about it; left out where there is nothing to do. */
  readonly todo?: string;
}
