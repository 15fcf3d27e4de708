// The process of an adapter whose programs are JavaScript: node host.js FOLDER PACKAGE... SOCKET ENVIRONMENT.
// docs/protocol.md describes what it reads and writes.

const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const { Worker } = require("node:worker_threads");

const [folder, ...rest] = process.argv.slice(2);
const environment = JSON.parse(rest.pop());
const socket = Number(rest.pop());
const requirePackage = createRequire(path.join(folder, "node_modules/"));

const MAGIC = "CTC1";
const HEAD_BYTES = 16;
const MARKER = "\0-- next message --\0\n";
const REPEAT_WITHIN_MS = 500;
const MOST_COMPILED = 256;

const ARRAYS = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|i1": Int8Array,
  "|u1": Uint8Array,
  "<i2": Int16Array,
  "<u2": Uint16Array,
  "<i4": Int32Array,
  "<u4": Uint32Array,
  "<i8": BigInt64Array,
  "<u8": BigUint64Array,
};

const AsyncFunction = (async () => {}).constructor;
const compiled = new Map();

/** The next bytes of the socket; the process ends where there are no more. */
function read(count) {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count; ) {
    const got = fs.readSync(socket, bytes, at, count - at, null);
    if (got === 0) process.exit(0);
    at += got;
  }
  return bytes;
}

function write(descriptor, bytes) {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(descriptor, bytes, at);
}

/** The next message: its header, and its arrays as dtype, shape and bytes. */
function receive() {
  const head = read(HEAD_BYTES);
  if (head.toString("latin1", 0, 4) !== MAGIC) throw new Error("the bytes are not a message");
  const header = JSON.parse(read(head.readUInt32LE(4)).toString());
  const body = read(Number(head.readBigUInt64LE(8)));
  let offset = 0;
  const arrays = header.arrays.map(([name, dtype, shape]) => {
    const bytes = shape.reduce((product, size) => product * size, Number(dtype.slice(2)));
    offset += bytes;
    return { name, dtype, shape, bytes: body.subarray(offset - bytes, offset) };
  });
  return { header, arrays };
}

function send(message, outputs = {}) {
  const arrays = Object.entries(outputs).map(([name, { data, shape }]) => [name, dtypeOf(data), shape]);
  const bodies = Object.values(outputs).map(bytesOf);
  const header = Buffer.from(JSON.stringify({ ...message, arrays }));
  const body = Buffer.concat(bodies);
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, "latin1");
  head.writeUInt32LE(header.length, 4);
  head.writeBigUInt64LE(BigInt(body.length), 8);
  write(2, Buffer.from(MARKER)); // before the reply, after which the next request may come
  write(socket, Buffer.concat([head, header, body]));
}

function bytesOf({ data }) {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function dtypeOf(data) {
  const entry = Object.entries(ARRAYS).find(([, kind]) => data?.constructor?.name === kind.name);
  if (entry === undefined) throw new NumbersError(`${data?.constructor?.name ?? data} is not a typed array of numbers`);
  return entry[0];
}

/** A tensor for a program, in memory of its own: a framework may keep it or write into it. */
function tensor({ name, dtype, shape, bytes }) {
  const kind = ARRAYS[dtype];
  if (kind === undefined) throw new TypeError(`${name}: JavaScript has no array of dtype ${dtype}`);
  return { data: new kind(new Uint8Array(bytes).buffer), shape };
}

/** The program itself is wrong. */
class ProgramError extends Error {}
/** The numbers of an output do not fill its shape. */
class ShapeError extends Error {}
/** An output holds no numbers. */
class NumbersError extends Error {}

const KINDS = new Map([
  [ProgramError, "broken"],
  [ShapeError, "misshapen"],
  [NumbersError, "not_numbers"],
]);

/** The function of a program, or a ProgramError where its text is wrong. */
function compile({ setup, body, outputs }, names) {
  const source = [...setup, ...body, `return { ${outputs.join(", ")} };`].join("\n");
  const key = JSON.stringify([names, source]);
  if (!compiled.has(key)) {
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    try {
      compiled.set(key, AsyncFunction("require", ...names, source));
    } catch (error) {
      throw new ProgramError(describe(error));
    }
  }
  return compiled.get(key);
}

async function run(header, arrays) {
  const names = arrays.map(({ name }) => name);
  const program = compile(header, names);
  const given = arrays.map(tensor);
  try {
    const results = await program(requirePackage, ...given);
    for (const [name, { data, shape }] of Object.entries(results)) {
      dtypeOf(data);
      const size = shape.reduce((product, length) => product * length, 1);
      if (size !== data.length || Math.min(...shape) < 0) {
        throw new ShapeError(`${name} has ${data.length} numbers and shape [${shape}]`);
      }
    }
    const overwritten = names.filter((_, index) => !bytesOf(given[index]).equals(arrays[index].bytes));
    return { results, overwritten };
  } catch (error) {
    if (error instanceof ReferenceError || error?.code === "MODULE_NOT_FOUND") throw new ProgramError(describe(error));
    throw error;
  }
}

function same(first, second) {
  return `${first.shape}` === `${second.shape}` && bytesOf(first).equals(bytesOf(second));
}

async function compute(header, arrays) {
  const started = performance.now();
  const { results: outputs, overwritten } = await run(header, arrays);
  const changing = [];
  if (header.twice && performance.now() - started < REPEAT_WITHIN_MS) {
    // The numbers of the first run may lie in memory that the framework uses again.
    for (const output of Object.values(outputs)) output.data = output.data.slice();
    const { results: second } = await run(header, arrays);
    changing.push(...Object.keys(outputs).filter((name) => !same(outputs[name], second[name])));
  }
  return { message: { reply: "answer", changing, overwritten }, outputs };
}

function describe(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : `${typeof error}: ${String(error)}`;
}

async function reply(header, arrays) {
  if (header.ask === "files") {
    const installed = path.join(folder, "node_modules");
    return { message: { reply: "files", files: [process.execPath, installed, ...Object.keys(require.cache)] } };
  }
  try {
    return await compute(header, arrays);
  } catch (error) {
    // A trap leaves the memory of the module in an undefined state, as a signal does that of a process.
    if (error instanceof WebAssembly.RuntimeError) {
      write(2, Buffer.from(`${error.stack}\n${describe(error)}\n`));
      process.exit(1);
    }
    const kind = KINDS.get(error?.constructor);
    return { message: kind ? { reply: kind, detail: error.message } : { reply: "raised", detail: describe(error) } };
  }
}

/** End the process when the client goes away, also in the middle of a call: writing nothing then fails. */
function endWithClient() {
  const watch = `setInterval(() => {
    try { require("node:fs").writeSync(${socket}, Buffer.alloc(0)); } catch { process.kill(process.pid, "SIGKILL"); }
  }, 1000)`;
  new Worker(watch, { eval: true }).unref();
}

async function main() {
  endWithClient();
  try {
    for (const name of rest) requirePackage(name);
  } catch (error) {
    send({ reply: "broken", detail: describe(error).split("\n")[0] });
    return;
  }
  environment.facts = { ...environment.facts, "node.version": process.version };
  send({ reply: "ready", takes: "programs", environment });
  for (;;) {
    const { header, arrays } = receive();
    const { message, outputs } = await reply(header, arrays);
    send({ ...message, id: header.id }, outputs);
  }
}

main();
