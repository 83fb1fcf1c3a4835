//! SQL text to statements, with `end` as a name where no CASE can end.

use std::collections::VecDeque;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::errors::query_error;
use crate::error::Result;

/// The statements of `sql`. Most tables have a column `end`, which SQL takes for the end of a CASE: where
/// none can end, it is a name without quotes too.
///
/// # Errors
/// `query.invalid`.
pub fn parse_statements(sql: &str) -> Result<VecDeque<Statement>> {
    let parse = || -> std::result::Result<_, DataFusionError> {
        let mut tokens = tokens(sql)?;
        quote_ends(&mut tokens);
        DFParserBuilder::new(tokens).build()?.parse_statements()
    };
    parse().map_err(query_error)
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
