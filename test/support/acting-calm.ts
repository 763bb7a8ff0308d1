import { World } from './acting.ts';

/** The scenarios that do not stand in each other's way; the breaker never opens here. */
export const calm = new World('calm', [
  ...['--refresh=5s', '--breaker=100%', '--max-pods-per-hour=10000'],
]);
