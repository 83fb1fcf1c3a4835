//! The prompt of `clipflow sql`: statements of several lines, a history, and completion of names.

use std::path::PathBuf;
use std::sync::Arc;

use rustyline::config::{CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, Helper};

use super::complete::{Names, complete, is_complete};
use super::{SqlSession, ceiling, print};
use crate::error::{Error, ErrorCode, Result};

/// Statements that are kept.
const HISTORY: usize = 1000;

const GREETING: &str = "End a statement with ; (it may have several lines). \\d lists the tables, \\d NAME its columns, Tab completes names, \\q ends.";

const HELP: &str = "\
SELECT …;       answer a statement; it ends with ;
\\d              the tables and views
\\d NAME         the columns of one
SHOW FUNCTIONS; the functions
\\q, exit        end, as Ctrl-D does; Ctrl-C ends a query";

/// What a user has entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Nothing,
    Quit,
    Help,
    Tables,
    Columns(&'a str),
    Sql(&'a str),
}

impl<'a> Entry<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.trim();
        let word = text.trim_end_matches(';').trim_end().to_ascii_lowercase();
        match word.as_str() {
            "" => Self::Nothing,
            "\\q" | "exit" | "quit" => Self::Quit,
            "\\?" | "\\h" | "help" => Self::Help,
            "\\d" | "\\dt" => Self::Tables,
            _ => match text.strip_prefix("\\d ") {
                Some(name) => Self::Columns(name.trim_end_matches(';').trim()),
                None => Self::Sql(text),
            },
        }
    }
}

/// Ask for statements and answer them until the user ends it. Errors of statements are printed.
pub(super) async fn run(session: &Arc<SqlSession>) -> Result<()> {
    let fault = |e: ReadlineError| {
        let message =
            format!("there is no prompt on this terminal ({e}); give a query, or a file with -f");
        Error::new(ErrorCode::ConfigInvalid, message)
    };
    let mut editor = editor(session).await.map_err(fault)?;
    let history = history_file();
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    print::line(GREETING)?;
    loop {
        let entered = tokio::task::block_in_place(|| editor.readline("clipflow> "));
        let text = match entered {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(e) => return Err(fault(e)),
        };
        let statement = match Entry::of(&text) {
            Entry::Nothing => continue,
            Entry::Quit => break,
            Entry::Help => {
                print::line(HELP)?;
                continue;
            }
            Entry::Tables => TABLES.to_owned(),
            Entry::Columns(name) => columns(name),
            Entry::Sql(text) => text.to_owned(),
        };
        let _ = editor.add_history_entry(text.trim());
        keep(&mut editor, history.as_ref());
        tokio::select! {
            answer = session.answer(&statement) => if let Err(e) = answer {
                // What was stopped there keeps its memory.
                if ceiling::is_reached() {
                    return Err(e);
                }
                print::error(&e);
            },
            _ = tokio::signal::ctrl_c() => print::notice("stopped"),
        }
    }
    Ok(())
}

/// Append what is new to the history; without a place for it, it is that of this session.
fn keep(editor: &mut SqlEditor, file: Option<&PathBuf>) {
    let Some(file) = file else { return };
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    if made.is_ok() {
        let _ = editor.append_history(file);
    }
}

const TABLES: &str = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name";

fn columns(name: &str) -> String {
    format!(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position",
        name.trim_matches('"').replace('\'', "''")
    )
}

/// `clipflow/sql_history` in `$XDG_STATE_HOME`, else `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(base?.join("clipflow/sql_history"))
}

type SqlEditor = Editor<SqlHelper, FileHistory>;

async fn editor(session: &Arc<SqlSession>) -> rustyline::Result<SqlEditor> {
    let config = Config::builder()
        .max_history_size(HISTORY)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .build();
    let history = FileHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(SqlHelper(
        Names::of(session.results.context(), &session.results.tables()).await,
    )));
    Ok(editor)
}

/// What completes names and knows where statements end.
struct SqlHelper(Names);

impl Helper for SqlHelper {}

impl rustyline::highlight::Highlighter for SqlHelper {}

impl rustyline::hint::Hinter for SqlHelper {
    type Hint = String;
}

impl rustyline::completion::Completer for SqlHelper {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.0, line, position))
    }
}

impl Validator for SqlHelper {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_statement = matches!(Entry::of(text), Entry::Sql(_));
        Ok(match is_statement && !is_complete(text) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_is_a_statement_or_a_word_of_the_prompt() {
        for (text, entry) in [
            ("  ", Entry::Nothing),
            (";", Entry::Nothing),
            ("\\q", Entry::Quit),
            (" Exit; ", Entry::Quit),
            ("\\?", Entry::Help),
            ("\\d", Entry::Tables),
            ("\\d clips;", Entry::Columns("clips")),
            ("SELECT 1;", Entry::Sql("SELECT 1;")),
            ("exit_code", Entry::Sql("exit_code")),
        ] {
            assert_eq!(Entry::of(text), entry, "{text}");
        }
    }
}
