'use strict';
// What the vendor's web SDKs expect of a browser and Node lacks. To be loaded before an SDK. Sockets
// are kept, so that a test can cut one.
const WebSocket = require('ws');

const sockets = [];

class BrowserSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { origin: 'http://localhost:3000' });
    sockets.push(this);
    this.on('error', () => {}); // the SDK listens to onclose; without a listener Node would end
  }
}

// Request is as much of XMLHttpRequest as the SDKs use, over fetch.
class Request {
  constructor() {
    Object.assign(this, { readyState: 0, status: 0, responseText: '', response: '', headers: {}, listeners: {}, upload: { addEventListener() {} } });
  }

  open(method, url) { Object.assign(this, { method, url, readyState: 1 }); }

  setRequestHeader(name, value) { this.headers[name] = value; }

  getResponseHeader(name) { return this.answer?.headers.get(name) ?? null; }

  getAllResponseHeaders() { return ''; }

  addEventListener(name, f) { this.listeners[name] = f; }

  overrideMimeType() {}

  abort() {}

  tell(name) {
    this[`on${name}`]?.({ target: this });
    this.listeners[name]?.({ target: this });
  }

  async send(body) {
    try {
      const answer = await fetch(this.url, { method: this.method, headers: this.headers, body: this.method === 'GET' ? undefined : body ?? undefined, signal: this.timeout ? AbortSignal.timeout(this.timeout) : undefined });
      Object.assign(this, { answer, status: answer.status, responseURL: answer.url });
      if (this.responseType === 'arraybuffer' || this.responseType === 'blob') this.response = await answer[this.responseType === 'blob' ? 'blob' : 'arrayBuffer']();
      else this.responseText = this.response = await answer.text();
    } catch (e) {
      this.failed = e;
    }
    this.readyState = 4;
    this.onreadystatechange?.();
    this.tell(this.failed?.name === 'TimeoutError' ? 'timeout' : this.failed ? 'error' : 'load');
  }
}

// Reader is as much of FileReader as the SDKs read a failed download with.
class Reader {
  readAsText(blob) {
    blob.text().then((text) => {
      this.result = text;
      this.onload?.({ target: this });
    });
  }
}

const stored = new Map();
const values = {
  navigator: { userAgent: 'node', appVersion: '' },
  screen: { width: 1, height: 1 },
  self: globalThis,
  window: globalThis,
  WebSocket: BrowserSocket,
  XMLHttpRequest: Request,
  FileReader: Reader,
  location: { protocol: 'http:' },
  document: { addEventListener() {}, hidden: false },
  addEventListener() {},
  localStorage: { getItem: () => null, setItem: (k, v) => stored.set(k, v), removeItem: (k) => stored.delete(k) },
};
for (const [name, value] of Object.entries(values)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

module.exports = { sockets };
