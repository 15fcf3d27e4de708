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
    about: "some outcomes of the case meet the first, and all of those meet the second",
    sql: (among, condition) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE ${among} GROUP BY case_no HAVING min(${condition} IS TRUE))`,
  },
  exactly: {
    form: "exactly(number, condition)",
    about: "that number of the case's outcomes, one or more, meet the condition",
    sql: (number, condition) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE ${condition} GROUP BY case_no HAVING count(*) = ${number})`,
  },
  differ: {
    form: "differ(condition)",
    about: "those answers to the case that meet the condition are not all the same bits",
    sql: (among) =>
      `case_no IN (SELECT case_no FROM outcomes WHERE answer IS NOT NULL AND ${among}
        GROUP BY case_no HAVING min(answer) <> max(answer))`,
  },
};

const PRESETS = [
  ["every discrepancy", "gates"],
  ["exactly one adapter disagrees", "judged AND exactly(1, judged AND gates)"],
  ["every judged answer is wrong", "every(judged, gates) AND judged"],
  ["all JAX based fail", "every(judged AND adapter LIKE 'jax%', gates) AND judged"],
  ["Keras backends differ", "differ(adapter LIKE 'keras%') AND adapter LIKE 'keras%'"],
  ["answers not bit for bit alike", "differ(1) AND answer IS NOT NULL"],
  ["more than half the bound used", "budget > 0.5"],
  ["no adapter could answer", "none(judged)"],
];

class ConditionError extends Error {}

// Pieces of a condition: texts in quotes, names, and everything else a character at a time.
function pieces(text) {
  return text.match(/'(?:[^']|'')*'|[A-Za-z_]\w*|\s+|[\s\S]/g) ?? [];
}

// The condition as plain SQL.
function plainSql(text) {
  if (text.includes('"')) throw new ConditionError("columns are written plain and texts in single quotes");
  const list = pieces(text);
  for (const piece of list) {
    if (piece === ";" || piece === "'" || /^(select|with|values|from|pragma|attach)$/i.test(piece)) {
      throw new ConditionError(`${piece} has no place in a condition`);
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

// Arguments up to the closing parenthesis, and where that is.
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
  throw new ConditionError("a parenthesis is open");
}

// The condition as SQL about outcomes; one that is about the case alone is asked once a case.
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

// Numbers of the outcomes that meet a condition, in an order; by case where none is given.
function matching(where, sort) {
  const condition = outcomeSql(where);
  const [column, direction] = sort;
  const order = column ? `ORDER BY ${column} IS NULL, ${column} ${direction}, case_no, id` : "ORDER BY case_no, id";
  const sql = `SELECT json_group_array(id) AS ids FROM (SELECT id FROM outcomes WHERE (${condition}) ${order})`;
  return JSON.parse(ask(sql)[0].ids);
}

// Whole conditions that go on from what is typed.
function completions(text) {
  const value = text.match(/^([\s\S]*?)(\w+)(\s*(?:=|<>|like)\s*')([^']*)$/i);
  if (value && facts.columns[value[2]]) {
    const [, before, column, operator, start] = value;
    const found = ask(`SELECT DISTINCT ${column} AS value FROM outcomes WHERE ${column} LIKE ? ESCAPE '\\' LIMIT 30`, [
      `${start.replace(/[%_\\]/g, "\\$&")}%`,
    ]);
    return found.map((row) => `${before}${column}${operator}${row.value}'`);
  }
  const [, before, word] = text.match(/^([\s\S]*?)(\w*)$/);
  if (!word) return [];
  const names = [...Object.keys(facts.columns), ...Object.keys(QUANTIFIERS).map((name) => `${name}(`)];
  return names.filter((name) => name.startsWith(word) && name !== word).map((name) => before + name);
}
