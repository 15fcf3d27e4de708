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
  database.run(`
    CREATE TEMP TABLE tallied AS SELECT case_no, sum(gates AND judged) AS wrong, sum(judged) AS judged FROM outcomes GROUP BY case_no;
    CREATE TEMP VIEW tally AS SELECT * FROM tallied JOIN cases USING (case_no);
    PRAGMA query_only = 1`);
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

// Columns as arrays with the numbers of outcomes as indices; JSON crosses from SQLite faster than rows do.
function byNumber(...columns) {
  const groups = ["id", ...columns].map((name) => `json_group_array(${name}) AS ${name}`);
  const found = ask(`SELECT ${groups.join(", ")} FROM asked`)[0];
  const ids = JSON.parse(found.id);
  return columns.map((name) => {
    const values = [];
    JSON.parse(found[name]).forEach((value, at) => { values[ids[at]] = value; });
    return values;
  });
}

function quote(value) {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

// A condition that holds where a column has a value, null included.
function equals(column, value) {
  return value === null ? `${column} IS NULL` : `${column} = ${quote(value)}`;
}
