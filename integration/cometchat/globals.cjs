'use strict';
// The browser that the vendor's SDK expects, under Node: a DOM, a WebSocket that says where it comes
// from, and a store. To be loaded before the SDK.
const { JSDOM } = require('jsdom');
const WebSocket = require('ws');

const origin = 'http://localhost:3000';
const { window } = new JSDOM('<!doctype html>', { url: origin + '/', pretendToBeVisual: true });

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

class BrowserSocket extends WebSocket {
  constructor(url) {
    super(url, { origin });
    this.on('error', () => {}); // the SDK listens to onerror; without a listener Node would end
  }
}

const nodeFetch = globalThis.fetch;
// Node's fetch refuses some options of browsers.
function browserFetch(url, { referrer, mode, cache, ...rest } = {}) {
  return nodeFetch(url, { ...rest, headers: { origin, ...rest.headers } });
}

for (const name of ['document', 'navigator', 'localStorage', 'sessionStorage', 'location']) define(name, window[name]);
define('window', window);
define('self', window);
define('WebSocket', BrowserSocket);
define('fetch', browserFetch);
window.WebSocket = BrowserSocket;
window.fetch = browserFetch;
window.matchMedia = (media) => ({ matches: false, media });
require('fake-indexeddb/auto');
window.indexedDB = globalThis.indexedDB;
