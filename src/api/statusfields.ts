import { z } from 'zod';

/** Fields of a status, which nobody but the operator writes. */

export const text = (max: number, description: string) => z.string().max(max).describe(description);
export const number = (description: string) => z.int().min(0).describe(description);

// Atomic: server-side apply would leave null, which is refused, where the last of an object's fields goes.
export const amounts = (description: string) =>
  z
    .object({
      cpu: text(24, 'CPU in cores.').optional(),
      memory: text(24, 'Memory in bytes.').optional(),
    })
    .meta({ description, 'x-kubernetes-map-type': 'atomic' });

export const sizes = (description: string) =>
  z
    .object({
      requests: amounts('Requests.').optional(),
      limits: amounts('Limits; a resource that is left out has no limit.').optional(),
    })
    .describe(description);
