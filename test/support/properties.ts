// Loaded by mocha before the tests. A property that fails ends at once and says its seed and path: made smaller first, as
// is usual, it goes on without end where each case is long. To see the smallest case, set `endOnFailure: false` there.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
