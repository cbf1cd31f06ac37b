/** Writes `result.schema.json` beside this source. Run it when `result.ts` has changed: `node --import tsx write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { resultSchemaText } from './json-schema.ts';

writeFileSync(new URL('result.schema.json', import.meta.url), resultSchemaText());
