// Makes of the component the module generated/hopguard.js, which Node.js and browsers can import:
//
//     node transpile.mjs hopguard.component.wasm

import { fileURLToPath } from 'node:url';
import { transpile, writeFiles } from '@bytecodealliance/jco-transpile';

const component = process.argv[2];
const outDir = fileURLToPath(new URL('generated', import.meta.url));
const { files } = await transpile(component, { name: 'hopguard', outDir });
await writeFiles(files);
