// Each mutant runs all properties that reach it: a tenth of the usual runs finds nearly as many, in a tenth of the time.
import fc from 'fast-check';

fc.configureGlobal({ numRuns: 10 });
