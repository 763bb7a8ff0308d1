/** What was given cannot be worked with: one line for the user, exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** Runs what reads input; what it throws becomes BadInput with its message, behind the flag or file that it is about. */
export function reading<T>(read: () => T, what?: string): T {
  try {
    return read();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // Parsers go on with a drawing of the place.
    const message = text.split('\n', 1).join('').replace(/:$/, '');
    throw new BadInput(what === undefined ? message : `${what}: ${message}`, { cause: error });
  }
}
