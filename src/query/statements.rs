//! SQL text to statements, with `end` as a name where no CASE can end.

use std::collections::VecDeque;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::errors::query_error;
use crate::error::{Error, ErrorCode, Result};

/// The statements of `sql`. Most tables have a column `end`, which SQL takes for the end of a CASE: where
/// none can end, it is a name without quotes too.
///
/// # Errors
/// `query.invalid`; `query.limits` for a text or an expression that is too long.
pub fn parse_statements(sql: &str) -> Result<VecDeque<Statement>> {
    let mut tokens = tokens(sql).map_err(|e| query_error(e.into()))?;
    if let Some(sentence) = too_large(&tokens) {
        return Err(Error::new(ErrorCode::QueryLimits, sentence));
    }
    quote_ends(&mut tokens);
    let parse = || DFParserBuilder::new(tokens).build()?.parse_statements();
    parse().map_err(query_error)
}

/// Tokens of one text: more than any query that a person or program has reason to write.
const MOST_TOKENS: usize = 500_000;
/// Operators that follow each other: each is a call within that of the one before, and calls have a stack.
const MOST_OPERATORS: usize = 2_000;

/// Why the tokens are too many, or too many of them in one expression.
fn too_large(tokens: &[TokenWithSpan]) -> Option<String> {
    if tokens.len() > MOST_TOKENS {
        return Some(format!(
            "the statement has {} words and signs, and at most {MOST_TOKENS} are read; put the values into a file and join it (--table)",
            tokens.len()
        ));
    }
    let mut run = vec![0_usize];
    for TokenWithSpan { token, .. } in tokens {
        match token {
            Token::Comma | Token::SemiColon => *run.last_mut()? = 0,
            Token::LParen => run.push(0),
            Token::RParen if run.len() > 1 => {
                run.pop();
            }
            token if is_operator(token) => *run.last_mut()? += 1,
            _ => {}
        }
        if run.last().is_some_and(|operators| *operators > MOST_OPERATORS) {
            return Some(format!(
                "an expression has more than {MOST_OPERATORS} operators in a row; write a list as IN (…), or put the values into a file and join it (--table)"
            ));
        }
    }
    None
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
        ),
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::DoubleColon
        | Token::Pipe
        | Token::Ampersand
        | Token::Caret
        | Token::LBracket
        | Token::Tilde => true,
        _ => false,
    }
}

/// `sql` with `end` in quotes where it is a name; as it is if it is no SQL.
pub(crate) fn with_quoted_ends(sql: &str) -> String {
    let Ok(mut tokens) = tokens(sql) else { return sql.to_owned() };
    quote_ends(&mut tokens);
    tokens.iter().map(|token| token.token.to_string()).collect()
}

fn tokens(sql: &str) -> std::result::Result<Vec<TokenWithSpan>, ParserError> {
    Ok(Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location()?)
}

fn quote_ends(tokens: &mut [TokenWithSpan]) {
    // The CASEs that are open, at each depth of parentheses.
    let mut open = vec![0_usize];
    let mut is_behind_value = false;
    for TokenWithSpan { token, .. } in tokens.iter_mut() {
        match token {
            Token::Whitespace(_) => continue,
            Token::SemiColon => open = vec![0],
            Token::LParen => open.push(0),
            Token::RParen if open.len() > 1 => {
                open.pop();
            }
            Token::Word(word) if word.quote_style.is_none() => {
                match (word.keyword, open.last_mut()) {
                    (Keyword::CASE, Some(cases)) => *cases += 1,
                    (Keyword::END, Some(cases)) if *cases > 0 && is_behind_value => *cases -= 1,
                    (Keyword::END, _) => *word = name(word),
                    _ => {}
                }
            }
            _ => {}
        }
        is_behind_value = ends_value(token);
    }
}

/// The word as a name in quotes.
fn name(word: &Word) -> Word {
    let value = word.value.to_ascii_lowercase();
    Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword }
}

/// Whether a value can end with that token, so that the CASE that it is in can end behind it.
fn ends_value(token: &Token) -> bool {
    match token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::CASE
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
        ),
        Token::RParen
        | Token::RBracket
        | Token::RBrace
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_that_are_too_long_are_refused() {
        let sum = |n: usize| format!("SELECT {}", vec!["1"; n].join(" + "));
        assert!(parse_statements(&sum(1000)).is_ok());
        assert_eq!(parse_statements(&sum(20_000)).unwrap_err().code(), ErrorCode::QueryLimits);
        let list = format!("SELECT 1 IN ({})", vec!["1"; 20_000].join(", "));
        assert!(parse_statements(&list).is_ok());
        let long = format!("SELECT 1 IN ({})", vec!["1"; 300_000].join(","));
        assert_eq!(parse_statements(&long).unwrap_err().code(), ErrorCode::QueryLimits);
    }

    #[test]
    fn end_is_a_name_where_no_case_can_end() {
        for (sql, quoted) in [
            ("SELECT start, end FROM clips", r#"SELECT start, "end" FROM clips"#),
            (
                "SELECT END - start AS end FROM clips c",
                r#"SELECT "end" - start AS "end" FROM clips c"#,
            ),
            ("SELECT c.end, max(end) FROM clips c", r#"SELECT c."end", max("end") FROM clips c"#),
            (
                "SELECT CASE WHEN end > 3 THEN end ELSE 0 END FROM clips ORDER BY end",
                r#"SELECT CASE WHEN "end" > 3 THEN "end" ELSE 0 END FROM clips ORDER BY "end""#,
            ),
            (
                "SELECT CASE end WHEN 1 THEN CASE WHEN start < end THEN 'a' END END, end",
                r#"SELECT CASE "end" WHEN 1 THEN CASE WHEN start < "end" THEN 'a' END END, "end""#,
            ),
            (
                "SELECT CASE WHEN a THEN max(end) END; SELECT end",
                r#"SELECT CASE WHEN a THEN max("end") END; SELECT "end""#,
            ),
            (r#"SELECT "end", 'end' -- end"#, r#"SELECT "end", 'end' -- end"#),
        ] {
            assert_eq!(with_quoted_ends(sql), quoted);
            parse_statements(sql).unwrap();
        }
        assert_eq!(with_quoted_ends("SELECT 'end"), "SELECT 'end");
        assert_eq!(parse_statements("SELECT 1;; SELECT 2").unwrap().len(), 2);
    }
}
