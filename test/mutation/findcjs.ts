// The mocha runner of Stryker requires files of mocha by their names without an extension. Those of mocha 12 end with
// .cjs, which Node does not try unless it is told to.
import { createRequire } from 'node:module';

// Deprecated for new kinds of files; this is an old kind by another name.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const { extensions } = createRequire(import.meta.url);
extensions['.cjs'] = extensions['.js'];
