// The traffic view: asks once a second for what passed since, and puts the newest on top.
'use strict';
(() => {
  const tail = document.getElementById('tail');
  const watching = document.getElementById('watching');
  const frames = document.getElementById('frames');
  const errors = document.getElementById('errors');
  const pause = document.getElementById('pause');
  const kept = 200;
  let next = 0;
  let paused = false;

  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? 'Go on' : 'Pause';
  });

  // piece makes an element with a class and a text. Nothing from the wire becomes markup.
  const piece = (name, kind, text) => {
    const e = document.createElement(name);
    e.className = kind;
    e.textContent = text;
    return e;
  };
  const body = (s) => (s.Text || (s.Bytes ? `(${s.Bytes} bytes)` : ''));
  const signs = { request: '', opened: '⇄ ', in: '→ ', out: '← ', command: '· ', closed: '× ' };

  function row(t) {
    const li = document.createElement('li');
    li.append(piece('time', 'at', new Date(t.At).toLocaleTimeString([], { hour12: false }) + '.' + String(new Date(t.At).getMilliseconds()).padStart(3, '0')));
    li.append(piece('span', 'dialect', t.Dialect));
    let what = signs[t.Kind] ?? '';
    if (t.Kind === 'request' || t.Kind === 'opened') what += `${t.Method} ${t.Path} → ${t.Status} (${(t.Took / 1e6).toFixed(1)} ms)`;
    else if (t.Kind === 'closed') what += `connection closed, code ${t.Status}`;
    else if (t.Kind === 'in') what += body(t.Sent);
    else if (t.Kind === 'out') what += body(t.Answered);
    else what += 'of a frame';
    li.append(piece('span', 'what', what));
    for (const c of t.Commands ?? []) {
      const by = c.user ? `${c.user}${c.server ? ' (by a server)' : ''}` : 'a server';
      li.append(piece('p', 'more core', `core ${c.name} by ${by} ${c.input ?? ''}${c.reason ? ` ⇒ ${c.reason}` : ''}`));
    }
    if (t.Kind === 'request') {
      if (t.Sent.Bytes) li.append(piece('p', 'more', `asked    ${body(t.Sent)}`));
      if (t.Answered.Bytes) li.append(piece('p', 'more', `answered ${body(t.Answered)}`));
    }
    if (t.Reason) li.append(piece('p', 'more bad', `${t.Reason}${t.VendorCode ? ` · vendor code ${t.VendorCode}` : ''}${t.Detail ? ` · ${t.Detail}` : ''}`));
    return li;
  }

  async function poll() {
    if (!paused) {
      try {
        const rs = await fetch(`/console/traffic?after=${next}`);
        if (rs.redirected) { location.assign('/console/sign-in'); return; }
        const page = await rs.json();
        next = page.next;
        for (const t of page.list ?? []) {
          if (!frames.checked && t.Kind !== 'request') continue;
          if (errors.checked && !t.Reason) continue;
          tail.prepend(row(t));
        }
        while (tail.children.length > kept) tail.lastElementChild.remove();
        watching.textContent = 'watching';
      } catch {
        watching.textContent = 'the server does not answer';
      }
    }
    setTimeout(poll, 1000);
  }
  poll();
})();
