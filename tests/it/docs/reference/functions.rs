//! Every SQL function, from its own documentation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clipflow::kernels::metrics::METRICS;
use clipflow::query::{FunctionDescription, FunctionKind, sql_functions};

use super::{MADE, hold};

/// A paragraph about a function: how it is called, what it returns, its arguments, an example.
fn paragraph(function: &FunctionDescription) -> String {
    let doc = &function.documentation;
    let returns = match (function.kind, function.returns.as_str()) {
        (FunctionKind::Table | FunctionKind::Relation, _) => String::new(),
        // The fields of long structs are those of the tables.
        (_, nested) if nested.len() > 60 => {
            format!(" → {}", nested.split(['"', '(']).next().unwrap())
        }
        (_, simple) => format!(" → {simple}"),
    };
    let kind = match function.kind {
        FunctionKind::Aggregate => " (aggregate)",
        FunctionKind::Window => " (window)",
        FunctionKind::Scalar | FunctionKind::Table | FunctionKind::Relation => "",
    };
    let mut text = format!("\n**`{}`**{returns}{kind}: {}\n", doc.syntax_example, doc.description);
    let arguments = doc.arguments.iter().flatten();
    let arguments: Vec<String> = arguments.map(|(n, what)| format!("`{n}`: {what}")).collect();
    if !arguments.is_empty() {
        let _ = writeln!(text, "{}.", arguments.join("; "));
    }
    let example = doc.sql_example.as_deref().unwrap_or_default();
    let example: Vec<&str> = example.lines().map(str::trim).collect();
    let _ = writeln!(text, "`{}`", example.join(" "));
    text
}

#[test]
fn functions() {
    let mut text = format!(
        "# Functions\n\n{MADE} All work in `clipflow sql` and in a session that `register_all` was given, unless said otherwise;\n\
         most scalar functions are Polars expressions too. `SHOW FUNCTIONS` lists them, `information_schema.parameters` their arguments.\n\
         [Functions that are tables](table-functions.md) and those of metrics (`hook_rate`, `pooled_hook_rate` …: [metrics](metrics.md)) have pages of their own.\n\
         More: [SQL](../user/sql.md).\n"
    );
    let of_metrics: BTreeSet<String> = METRICS
        .iter()
        .flat_map(|m| ["", "pooled_", "mean_", "left_out_"].map(|how| format!("{how}{}", m.name)))
        .collect();
    let mut functions = sql_functions();
    functions.retain(|function| !of_metrics.contains(&function.name));
    let (tables, functions): (Vec<_>, Vec<_>) = functions
        .into_iter()
        .partition(|f| matches!(f.kind, FunctionKind::Table | FunctionKind::Relation));
    text += &sections(&functions);
    hold("reference/functions.md", &text);
    let text = format!(
        "# Functions that are tables\n\n{MADE} They stand behind `FROM`, in `clipflow sql` and in a session that `register_all` was given,\n\
         unless said otherwise. All others: [functions](functions.md).\n{}",
        sections(&tables)
    );
    hold("reference/table-functions.md", &text);
}

/// Functions by section, in the order in which the sections are met.
fn sections(functions: &[FunctionDescription]) -> String {
    let mut text = String::new();
    let mut sections: Vec<&str> = vec![];
    for function in functions {
        let section = function.documentation.doc_section.label;
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    for section in sections {
        let _ = writeln!(text, "\n## {section}");
        for function in functions.iter().filter(|f| f.documentation.doc_section.label == section) {
            text += &paragraph(function);
        }
    }
    text
}
