// A language server that knows how to begin and to end, and nothing else: as an old one would look to a new client.

let buffer = Buffer.alloc(0);

process.stdin.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const head = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(buffer.toString("latin1"));
    const end = head ? head[0].length + Number(head[1]) : Infinity;
    if (buffer.length < end) {
      return;
    }
    answer(JSON.parse(buffer.subarray(head[0].length, end).toString("utf8")));
    buffer = buffer.subarray(end);
  }
});

function answer({ id, method }) {
  if (method === "exit") {
    process.exit(0);
  }
  if (id === undefined || !method) {
    return;
  }
  const known = { initialize: { capabilities: {} }, shutdown: null };
  const outcome = method in known ? { result: known[method] } : { error: { code: -32601, message: `Method Not Found: ${method}` } };
  const text = JSON.stringify({ jsonrpc: "2.0", id, ...outcome });
  process.stdout.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}
