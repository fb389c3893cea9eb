'use strict';
// One device with the vendor's SDK: a process of its own, since the SDK keeps one connection per
// process. The parent sends functions to run; what the listeners hear is sent back as it comes.
require('./globals.cjs');
const RC = require('@rongcloud/imlib-next');

// plain is a value as far as it can be sent.
function plain(v) {
  return JSON.parse(JSON.stringify(v ?? null));
}

function failure(e) {
  return { code: e?.code, name: e?.name, message: e?.message ?? String(e), stack: e?.stack };
}

const told = (event, ...args) => process.send({ event, args: plain(args) });

// listen reports every event of the SDK by the name of its constant.
function listen() {
  for (const [name, id] of Object.entries(RC.Events)) RC.addEventListener(id, (...args) => told(name, ...args));
}

process.on('message', async ({ id, body, args }) => {
  try {
    const run = new Function('RC', 'listen', 'args', `return (async () => { ${body} })()`);
    process.send({ id, value: plain(await run(RC, listen, args)) });
  } catch (e) {
    process.send({ id, error: failure(e) });
  }
});
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (e) => told('uncaught', failure(e)));
process.on('unhandledRejection', (e) => told('uncaught', failure(e)));
process.send({ event: 'ready', args: [] });
