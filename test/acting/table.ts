// Prints the table of what the tests beside it saw: node test/acting/table.ts FILE
import { rowsIn, tableText } from '../support/acting-rows.ts';

const [, , file = ''] = process.argv;
process.stdout.write(`\n${tableText(rowsIn(file))}\n\n`);
