/** What was given cannot be worked with: one line for the user, exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** Runs what reads input; what it throws becomes BadInput with its message. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
