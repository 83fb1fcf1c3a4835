//! Which command was probably meant.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::CommandLine;

/// `error`, with the nearest command where one is not known. Clap's own measure finds `render` in `rn`.
pub(super) fn nearest(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let command = CommandLine::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    if let Some(name) = nearest_of(given, &names) {
        let suggested = ContextValue::Strings(vec![name.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, suggested);
    }
    error
}

/// The name that is one slip of the finger away, else the shortest that only leaves letters out of.
fn nearest_of<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&given, name);
    let slip = names.iter().filter(|name| distance(name) <= 1);
    let shortened = || {
        let holds = |name: &&&str| {
            let mut letters = name.chars();
            given.len() > 1 && given.chars().all(|letter| letters.any(|l| l == letter))
        };
        names.iter().filter(holds).min_by_key(|name| name.len())
    };
    slip.min_by_key(|name| distance(name)).or_else(shortened).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_or_letters_left_out_tell_what_was_meant() {
        let names = ["run", "render", "validate", "performance", "sql"];
        for (given, meant) in [
            ("rn", Some("run")),
            ("rnu", Some("run")),
            ("RUN", Some("run")),
            ("rndr", Some("render")),
            ("perf", Some("performance")),
            ("valdate", Some("validate")),
            ("q", None),
            ("zebra", None),
        ] {
            assert_eq!(nearest_of(given, &names), meant, "{given}");
        }
    }
}
