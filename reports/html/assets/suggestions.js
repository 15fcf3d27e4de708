// @ts-check
// What somebody may have meant by a condition that is invalid.

const NAMED_COLUMNS = ["status", "kind", "adapter", "dtype", "layout", "padding", "direction", "data", "profile"];
const VALUE = /^[\w~@.:/-]+$/;
const OPERATORS = /^(?:[=<>!]|like|is|in)$/i;

// Number of letters to add, remove, replace or exchange with the next one to turn one word into the other.
function editDistance(one, other) {
  const table = Array.from({ length: one.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= other.length; j += 1) table[0][j] = j;
  for (let i = 1; i <= one.length; i += 1) {
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = table[i - 1][j - 1] + Number(one[i - 1] !== other[j - 1]);
      table[i][j] = Math.min(table[i - 1][j] + 1, table[i][j - 1] + 1, replaced);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        table[i][j] = Math.min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[one.length][other.length];
}

// The name that a word is probably a misspelling of.
function nearest(word, names) {
  const ranked = names.map((name) => [editDistance(word.toLowerCase(), name.toLowerCase()), name]);
  const [distance, name] = ranked.sort((a, b) => a[0] - b[0])[0] ?? [Infinity];
  if (distance <= Math.max(1, word.length / 3)) return name;
  return names.find((other) => word.length > 3 && other.toLowerCase().includes(word.toLowerCase()));
}

function valuesOf(column) {
  return [...new Set(outcomeColumns(column)[0])].filter((value) => value !== null).map(String);
}

const MOST_MISTAKES = 5;

/**
 * The condition with its mistakes corrected, if that is a valid one.
 * @param {string} where A condition.
 * @param {Error} error Why it is invalid.
 */
function corrected(where, error) {
  let better = where;
  let found = error;
  for (let n = 0; n < MOST_MISTAKES && better; n += 1) {
    better = withoutMistake(better, found.message);
    try {
      if (better) matching(better, [null]);
      return better;
    } catch (next) {
      found = next;
    }
  }
  return undefined;
}

// The condition with the mistake corrected that a message is about, or undefined.
function withoutMistake(where, message) {
  if (where.includes('"')) return where.replaceAll(/"([^"]*)"/g, (_, text) => quotedOrColumn(text));
  const unknown = (message.match(/^no such column: (?:\w+\.)?(\w+)/) ?? message.match(/^(\w+) is not allowed/))?.[1];
  const list = pieces(where);
  const start = list.indexOf(unknown);
  if (start < 0) return undefined;
  let end = start + 1;
  while (end < list.length && VALUE.test(list[end])) end += 1;
  const word = list.slice(start, end).join("");
  const replaced = (text, to) => [...list.slice(0, start), text, ...list.slice(to)].join("");
  const column = comparedColumn(list.slice(0, start));
  const value = column && nearest(word, valuesOf(column));
  if (value) return replaced(quote(value), end);
  const owner = NAMED_COLUMNS.find((name) => valuesOf(name).includes(word));
  if (owner && !column) return replaced(`${owner} = ${quote(word)}`, end);
  const name = nearest(unknown, Object.keys(facts.columns));
  return name && replaced(name, start + 1);
}

function quotedOrColumn(text) {
  return facts.columns[text] ? text : quote(text);
}

// The column of texts that the pieces of a condition end by comparing with something.
function comparedColumn(list) {
  const words = list.filter((piece) => piece.trim());
  const column = words.findLast((piece) => facts.columns[piece]);
  const between = words.slice(words.lastIndexOf(column) + 1).filter((piece) => !/^(?:'.*'|[(,]|not)$/i.test(piece));
  return column && between.length && between.every((piece) => OPERATORS.test(piece)) ? column : null;
}
