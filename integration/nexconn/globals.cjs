'use strict';
// What a browser has and Node lacks, as far as the vendor's SDK needs it. The SDK also reports to fixed
// addresses of the vendor; requests to anything but this machine are refused here.
const { JSDOM } = require('jsdom');
const WS = require('ws');

const dom = new JSDOM('<!doctype html>', { url: 'http://localhost/', pretendToBeVisual: true });
const { window } = dom;
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

class Fenced extends window.XMLHttpRequest {
  open(method, url, ...rest) {
    const near = /^http:\/\/127\.0\.0\.1[:/]/.test(url);
    return super.open(method, near ? url : 'http://127.0.0.1:9/refused', ...rest);
  }
}

class FencedSocket extends WS {
  constructor(url, ...rest) {
    if (!/^ws:\/\/127\.0\.0\.1[:/]/.test(url)) throw new Error(`refused: ${url}`);
    super(url, ...rest);
    this.on('error', () => {});
    FencedSocket.last = this;
  }
}

window.XMLHttpRequest = Fenced;
window.WebSocket = FencedSocket;
define('window', window);
for (const name of ['document', 'localStorage', 'sessionStorage', 'location', 'Blob', 'File', 'navigator']) define(name, window[name]);
define('XMLHttpRequest', Fenced);
define('WebSocket', FencedSocket);
define('cutLink', () => FencedSocket.last?.terminate());
