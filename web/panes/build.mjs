// Builds the console's live panes: node web/panes/build.mjs OUT. The vendors' SDKs come from
// integration/node_modules, where "npm ci" puts them; nothing of them is part of this repository.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, '..', '..', 'integration', 'node_modules');
const { build } = createRequire(path.join(modules, 'x'))('esbuild');
const out = process.argv[2];
if (!out) throw new Error('where to? node web/panes/build.mjs OUT');
const names = ['stream', 'cometchat', 'agora', 'nexconn'];
await build({
  entryPoints: names.map((n) => path.join(here, `${n}.mjs`)),
  outdir: out, bundle: true, format: 'iife', platform: 'browser', nodePaths: [modules], logLevel: 'warning', minify: true,
  external: ['path'], // asked for under Node alone
  define: { global: 'window', 'process.env.NODE_ENV': '"production"' }, legalComments: 'none',
});
console.log(`panes in ${out}`);
