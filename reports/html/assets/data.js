// The data: a SQLite database inside the page, asked in SQL.

const facts = JSON.parse(document.getElementById("facts").textContent);
let database;

async function inflate(id) {
  const element = document.getElementById(id);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function openDatabase() {
  const [engine, data] = await Promise.all([inflate("engine"), inflate("database")]);
  const SQL = await initSqlJs({ wasmBinary: engine });
  database = new SQL.Database(new Uint8Array(data));
  database.run("PRAGMA query_only = 1");
}

// The rows of a query as objects.
function ask(sql, values = []) {
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

function quote(value) {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

// A condition that holds where a column has a value, null included.
function equals(column, value) {
  return value === null ? `${column} IS NULL` : `${column} = ${quote(value)}`;
}
