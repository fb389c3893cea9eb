// Prints one JSON line per finished test of `node --test`, for the Go side to turn into subtests.
export default async function* report(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const names = [...path.slice(0, data.nesting), data.name];
      const error = data.details?.error;
      const cause = error?.cause ?? error;
      yield `${JSON.stringify({
        event: type.slice(5),
        names,
        suite: data.details?.type === 'suite',
        skip: data.skip !== undefined && data.skip !== false,
        ms: data.details?.duration_ms,
        error: error && (error.failureType === 'subtestsFailed' ? 'subtests failed' : describe(cause)),
      })}\n`;
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      yield `${JSON.stringify({ event: 'output', text: data.message })}\n`;
    }
  }
}

// describe renders what was thrown, with the parts an HTTP client hides in its error.
function describe(e) {
  if (!(e instanceof Object)) return String(e);
  const lines = [e.stack ?? e.message ?? JSON.stringify(e)];
  for (const key of ['code', 'status', 'actual', 'expected']) {
    if (e[key] !== undefined) lines.push(`${key}: ${safe(e[key])}`);
  }
  if (e.response?.data) lines.push(`body: ${safe(e.response.data)}`);
  return lines.join('\n');
}

function safe(v) {
  try {
    return (JSON.stringify(v) ?? String(v)).slice(0, 2000);
  } catch {
    return String(v);
  }
}
