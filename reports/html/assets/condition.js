// @ts-check
// The condition language: a SQL expression over the columns of an outcome, as on the command line, and
// quantifiers over all outcomes of the same case.

const QUANTIFIERS = {
  any: {
    form: "any(condition)",
    about: "at least one outcome of the case meets the condition",
    sql: (condition) => `case_no IN (SELECT case_no FROM outcomes WHERE ${condition})`,
  },
  none: {
    form: "none(condition)",
    about: "no outcome of the case meets the condition",
    sql: (condition) => `case_no NOT IN (SELECT case_no FROM outcomes WHERE ${condition})`,
  },
  every: {
    form: "every(among, condition)",
    about: "at least one outcome of the case meets the first condition, and all that do meet the second",
    sql: (among, condition) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE ${among} GROUP BY case_no HAVING min(${condition} IS TRUE))`,
  },
  exactly: {
    form: "exactly(number, condition)",
    about: "exactly that many outcomes of the case (one or more) meet the condition",
    sql: (number, condition) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE ${condition} GROUP BY case_no HAVING count(*) = ${number})`,
  },
  differ: {
    form: "differ(condition)",
    about: "the outputs of the case that meet the condition do not all have the same bits",
    sql: (among) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE answer IS NOT NULL AND ${among}
        GROUP BY case_no HAVING min(answer) <> max(answer))`,
  },
};

const PRESETS = [
  ["every discrepancy", "gates"],
  ["exactly one adapter disagrees", "judged AND exactly(1, judged AND gates)"],
  ["every judged output is wrong", "every(judged, gates) AND judged"],
  ["all JAX-based adapters fail", "every(judged AND adapter LIKE 'jax%', gates) AND judged"],
  ["Keras backends differ", "differ(adapter LIKE 'keras%') AND adapter LIKE 'keras%'"],
  ["outputs that differ bit for bit", "differ(1) AND answer IS NOT NULL"],
  ["more than half of the bound used", "budget > 0.5"],
  ["no adapter was judged", "none(judged)"],
];

class ConditionError extends Error {}

// The tokens of a condition: quoted strings, names, spaces, and every other character by itself.
function pieces(text) {
  return text.match(/'(?:[^']|'')*'|[A-Za-z_]\w*|\s+|[\s\S]/g) ?? [];
}

// The condition as plain SQL.
function plainSql(text) {
  if (text.includes('"')) throw new ConditionError("write columns without quotes and strings in single quotes");
  const list = pieces(text);
  for (const piece of list) {
    if (piece === ";" || piece === "'" || /^(select|with|values|from|pragma|attach)$/i.test(piece)) {
      throw new ConditionError(`${piece} is not allowed in a condition`);
    }
  }
  return expand(list);
}

function expand(list) {
  let sql = "";
  for (let at = 0; at < list.length; at += 1) {
    const quantifier = QUANTIFIERS[list[at].toLowerCase()];
    if (!quantifier || list[at + 1] !== "(") {
      sql += list[at];
      continue;
    }
    const [parts, end] = argumentsFrom(list, at + 2);
    if (parts.length !== quantifier.sql.length) throw new ConditionError(`write ${quantifier.form}`);
    sql += `(${quantifier.sql(...parts.map((part) => `(${expand(part)})`))})`;
    at = end;
  }
  return sql;
}

// The arguments up to the closing parenthesis, and its index.
function argumentsFrom(list, start) {
  const parts = [[]];
  let depth = 0;
  for (let at = start; at < list.length; at += 1) {
    const piece = list[at];
    if (piece === ")" && depth === 0) return [parts, at];
    depth += Number(piece === "(") - Number(piece === ")");
    if (piece === "," && depth === 0) parts.push([]);
    else parts.at(-1).push(piece);
  }
  throw new ConditionError("a closing parenthesis is missing");
}

// The condition as SQL over outcomes; one that reads only columns of the case is evaluated once per case.
function outcomeSql(where) {
  if (!where.trim()) return "1";
  const sql = `\n${plainSql(where)}\n`;
  const names = pieces(where.toLowerCase()).filter(
    (piece) => facts.columns[piece] || QUANTIFIERS[piece] || piece === "case_no",
  );
  return names.every((name) => facts.columns[name] === "case")
    ? `case_no IN (SELECT case_no FROM cases WHERE (${sql}))`
    : sql;
}

// The ids of the outcomes that meet a condition, sorted by a column, or else the worst first.
function matching(where, sort) {
  const condition = outcomeSql(where);
  const [column, direction] = sort;
  const order = column ? `ORDER BY ${column} IS NULL, ${column} ${direction}, case_no, id` : "ORDER BY case_no, id";
  const sql = `SELECT json_group_array(id) AS ids FROM (SELECT id FROM outcomes WHERE (${condition}) ${order})`;
  const ids = JSON.parse(query(sql)[0].ids);
  return column ? ids : worstFirst(ids);
}

// What is wrong comes first, and what is new before what is known; SQLite would take longer to sort.
function worstFirst(ids) {
  const [gates, standing] = outcomeColumns("gates", "standing");
  const groups = [[], [], []];
  for (const id of ids) groups[gates[id] ? Number(standing[id] !== "new") : 2].push(id);
  return groups.flat();
}

// Complete conditions that continue the typed text.
function completions(text) {
  const value = text.match(/^([\s\S]*?)(\w+)(\s*(?:=|<>|like)\s*')([^']*)$/i);
  if (value && facts.columns[value[2]]) {
    const [, before, column, operator, start] = value;
    const rows = query(`SELECT DISTINCT ${column} AS value FROM outcomes WHERE ${column} LIKE ? ESCAPE '\\' LIMIT 30`, [
      `${start.replace(/[%_\\]/g, "\\$&")}%`,
    ]);
    return rows.map((row) => `${before}${column}${operator}${row.value}'`);
  }
  const [, before, word] = text.match(/^([\s\S]*?)(\w*)$/);
  if (!word) return [];
  const names = [...Object.keys(facts.columns), ...Object.keys(QUANTIFIERS).map((name) => `${name}(`)];
  return names.filter((name) => name.startsWith(word) && name !== word).map((name) => before + name);
}
