// What the live panes share: the log, the form, and the setup the page was given. A pane hands over
// a function that enters the room with the vendor's own SDK and says how to send.
export function pane(enter) {
  const setup = JSON.parse(document.body.dataset.setup);
  const log = document.getElementById('log');
  const state = document.getElementById('state');
  const text = document.getElementById('text');
  const seen = new Set();

  // show adds a message once, whether it was heard or sent.
  const show = (id, who, what) => {
    if (id && seen.has(String(id))) return;
    seen.add(String(id));
    const li = document.createElement('li');
    const b = document.createElement('b');
    b.textContent = who;
    li.append(b, ' ', what ?? '');
    log.append(li);
    log.scrollTop = log.scrollHeight;
  };
  const fail = (e) => {
    state.textContent = `${e?.code ?? ''} ${e?.message ?? e?.data?.message ?? e}`;
    console.error(e);
  };
  window.addEventListener('unhandledrejection', (e) => fail(e.reason));
  (async () => {
    const send = await enter(setup, show);
    state.textContent = `connected as ${setup.user}`;
    document.body.dataset.ready = 'yes';
    document.getElementById('say').addEventListener('submit', async (e) => {
      e.preventDefault();
      const what = text.value.trim();
      if (!what) return;
      text.value = '';
      try {
        await send(what);
      } catch (err) {
        fail(err);
      }
    });
  })().catch(fail);
}
