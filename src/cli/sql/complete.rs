//! Which names go on where the cursor is, and whether a statement is complete.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Words of SQL that are completed.
const WORDS: [&str; 34] = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS JOIN",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXPLAIN",
    "FROM",
    "GROUP BY",
    "HAVING",
    "IN",
    "IS NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER BY",
    "SELECT",
    "SHOW FUNCTIONS",
    "SHOW TABLES",
    "THEN",
    "UNION ALL",
    "WHERE",
];

/// The names that a session knows.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Columns by table.
    tables: BTreeMap<String, Vec<String>>,
    functions: BTreeSet<String>,
}

impl Names {
    /// The names of a session with these tables.
    pub(super) async fn of(ctx: &SessionContext, tables: &[String]) -> Self {
        let mut names = Self::default();
        for name in tables {
            let columns = match ctx.table(name.as_str()).await {
                Ok(table) => table.schema().fields().iter().map(|f| f.name().clone()).collect(),
                Err(_) => vec![],
            };
            names.tables.insert(name.clone(), columns);
        }
        let state = ctx.state();
        names.functions.extend(state.scalar_functions().keys().cloned());
        names.functions.extend(state.aggregate_functions().keys().cloned());
        names.functions.extend(state.window_functions().keys().cloned());
        names.functions.extend(state.table_functions().keys().cloned());
        names
    }
}

/// Where the word at `position` begins, and what it may become.
pub(super) fn complete(names: &Names, line: &str, position: usize) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or(line);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before
        .rfind(|c| !is_part(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = before.get(start..).unwrap_or_default();
    let head = before.get(..start).unwrap_or_default();
    let begins = |name: &&String| {
        name.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    if let Some(head) = head.strip_suffix('.') {
        let table = head.rsplit(|c| !is_part(c)).next().unwrap_or_default();
        return (
            start,
            columns(names, line, table).iter().filter(begins).map(|name| quoted(name)).collect(),
        );
    }
    if head.trim_end() == "\\d" {
        return (start, names.tables.keys().filter(begins).cloned().collect());
    }
    let last = head.split_whitespace().next_back().unwrap_or_default();
    if ["FROM", "JOIN"].iter().any(|word| word.eq_ignore_ascii_case(last)) {
        return (start, names.tables.keys().filter(begins).cloned().collect());
    }
    if word.is_empty() {
        return (start, vec![]);
    }
    // The columns of tables that the statement names, else those of all.
    let is_named = |table: &str| line.split(|c| !is_part(c)).any(|w| w.eq_ignore_ascii_case(table));
    let named: Vec<_> = names.tables.iter().filter(|(table, _)| is_named(table)).collect();
    let tables = if named.is_empty() { names.tables.iter().collect() } else { named };
    let columns: BTreeSet<&String> = tables.into_iter().flat_map(|(_, columns)| columns).collect();
    let mut found: Vec<String> =
        columns.into_iter().filter(begins).map(|name| quoted(name)).collect();
    found.extend(names.tables.keys().filter(begins).cloned());
    found.extend(names.functions.iter().filter(begins).map(|name| format!("{name}(")));
    found.extend(WORDS.map(str::to_owned).iter().filter(begins).cloned());
    found.dedup();
    (start, found)
}

/// The columns of a table, by its name or by the alias that the statement gives it.
fn columns(names: &Names, line: &str, table: &str) -> Vec<String> {
    if let Some(columns) = names.tables.get(&table.to_ascii_lowercase()) {
        return columns.clone();
    }
    let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || c == ',').collect();
    let words: Vec<&str> =
        words.into_iter().filter(|w| !w.is_empty() && !w.eq_ignore_ascii_case("as")).collect();
    let aliased = words.windows(2).find_map(|two| match two {
        [name, alias] if alias.eq_ignore_ascii_case(table) => {
            names.tables.get(&name.to_ascii_lowercase())
        }
        _ => None,
    });
    aliased.cloned().unwrap_or_default()
}

/// A column as SQL takes it.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether the last statement of a text has its `;`, which in quotes and comments is none.
pub(super) fn is_complete(text: &str) -> bool {
    match Tokenizer::new(&GenericDialect {}, text).tokenize() {
        Ok(tokens) => {
            let last = tokens.iter().rev().find(|token| !matches!(token, Token::Whitespace(_)));
            last.is_none_or(|token| *token == Token::SemiColon)
        }
        // What is no SQL at all is for the parser to say.
        Err(e) => {
            let is_open = ["Unterminated", "EOF"].iter().any(|what| e.message.contains(what));
            !is_open && text.trim_end().ends_with(';')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |name: &str, columns: &[&str]| {
            (name.to_owned(), columns.iter().map(|c| (*c).to_owned()).collect())
        };
        Names {
            tables: [
                table("clips", &["clip_id", "start", "end", "title"]),
                table("variants", &["variant_id", "clip_id", "Own Name"]),
            ]
            .into(),
            functions: ["cliptime".to_owned(), "count".to_owned()].into(),
        }
    }

    fn completed(line: &str) -> Vec<String> {
        let (start, found) = complete(&names(), line, line.len());
        assert!(start <= line.len());
        found
    }

    #[test]
    fn names_that_begin_so_are_offered() {
        assert_eq!(completed("SELECT cli"), ["clip_id", "clips", "cliptime("]);
        assert_eq!(completed("SELECT * FROM cli"), ["clips"]);
        assert_eq!(completed("SELECT CO"), ["count("]);
        assert_eq!(completed("SELECT clips.t"), ["title"]);
        assert_eq!(
            completed("SELECT * FROM variants v WHERE v."),
            ["variant_id", "clip_id", "\"Own Name\""]
        );
        assert_eq!(completed("SELECT * FROM variants AS v WHERE v.cl"), ["clip_id"]);
        assert_eq!(completed("SELECT * FROM clips WHERE ti"), ["title"]);
        assert_eq!(completed("SELECT * FROM variants WHERE ti"), Vec::<String>::new());
        assert_eq!(completed("\\d v"), ["variants"]);
        assert_eq!(completed("SELECT 1 ORD"), ["ORDER BY"]);
        assert_eq!(completed("SELECT 'ä"), Vec::<String>::new());
    }

    #[test]
    fn a_statement_ends_with_a_semicolon_that_is_not_in_quotes() {
        for text in ["SELECT 1;", "SELECT ';' ; -- done", "SELECT 1; SELECT 2 ;\n", ""] {
            assert!(is_complete(text), "{text}");
        }
        for text in ["SELECT 1", "SELECT ';", "SELECT 1 -- ;", "SELECT 1; SELECT 2", "/* ;"] {
            assert!(!is_complete(text), "{text}");
        }
    }
}
