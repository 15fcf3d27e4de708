// @ts-check
// The data: a SQLite database inside the page, queried in SQL.

const facts = JSON.parse(document.getElementById("facts").textContent);
let database;

function inflateElement(id) {
  const element = document.getElementById(id);
  const packed = element.textContent;
  element.remove();
  return inflate(packed);
}

async function inflate(packed) {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function openDatabase() {
  const [engine, data] = await Promise.all([inflateElement("engine"), inflateElement("database")]);
  const SQL = await initSqlJs({ wasmBinary: engine });
  database = new SQL.Database(new Uint8Array(data));
  database.run("PRAGMA query_only = 1");
}

// The rows of a query as objects.
function query(sql, values = []) {
  const statement = database.prepare(sql);
  try {
    statement.bind(values);
    const rows = [];
    while (statement.step()) rows.push(statement.getAsObject());
    return rows;
  } finally {
    statement.free();
  }
}

// --- columns as arrays: scripts count them faster than SQLite groups them; each is read once

const ofOutcomes = new Map();
const ofCases = new Map();

// Read columns of a table as arrays, indexed by the numbers of the rows; one JSON text is faster to read than rows.
function readColumns(table, number, names, into) {
  const unread = names.filter((name) => !into.has(name));
  if (!unread.length) return;
  const row = query(
    `SELECT ${[number, ...unread].map((name, n) => `json_group_array(${name}) AS c${n}`)} FROM ${table}`,
  )[0];
  const numbers = JSON.parse(row.c0);
  unread.forEach((name, n) => {
    const values = new Array(numbers.length);
    JSON.parse(row[`c${n + 1}`]).forEach((value, at) => {
      values[numbers[at]] = value;
    });
    into.set(name, values);
  });
}

// A column of the cases, by their numbers.
function caseColumn(name) {
  readColumns("cases", "case_no", [name], ofCases);
  return ofCases.get(name);
}

// Columns of the outcomes, by their numbers; an outcome also has the columns of its case.
function outcomeColumns(...names) {
  readColumns(
    "asked",
    "id",
    names.filter((name) => facts.columns[name] !== "case"),
    ofOutcomes,
  );
  return names.map((name) => {
    if (facts.columns[name] !== "case") return ofOutcomes.get(name);
    const [values, [numbers]] = [caseColumn(name), outcomeColumns("case_no")];
    return numbers.map((number) => values[number]);
  });
}

function quote(value) {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

// A condition that holds where a column has a value, which may be null.
function equals(column, value) {
  return value === null ? `${column} IS NULL` : `${column} = ${quote(value)}`;
}

// --- details of outcomes, in the page or in a file next to it

const arrived = new Map();
const waiting = new Map();

// The program and the evidence of an outcome, if they are loaded.
function detailsOf(id) {
  const inside = query("SELECT program, evidence FROM details WHERE id = ?", [id])[0];
  return inside ?? arrived.get(id);
}

// The number of the file next to the page that has the details of an outcome.
function fileOf(id) {
  return query("SELECT file FROM elsewhere WHERE id = ?", [id])[0]?.file;
}

function loadFile(number) {
  return new Promise((resolve, reject) => {
    waiting.set(number, resolve);
    const script = document.createElement("script");
    script.src = `details/${number}.js`;
    script.onerror = () => reject(new Error(`details/${number}.js is not in the folder of this page`));
    document.head.append(script);
  });
}

// The files call this function.
async function detailsArrived(number, packed) {
  const content = JSON.parse(new TextDecoder().decode(await inflate(packed)));
  for (const [id, [program, evidence]] of Object.entries(content)) arrived.set(Number(id), { program, evidence });
  waiting.get(number)();
}
