import type { Clock } from '../controller/ports.ts';

export const SYSTEM_CLOCK: Clock = { nowSeconds: () => Date.now() / 1000 };
