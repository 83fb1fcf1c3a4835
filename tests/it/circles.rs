//! No circle of imports between the files of the library: each can be read after those it needs.
//!
//! A file imports what its paths behind `crate::` and `super::` lead to. That a module declares its
//! children and re-exports from them is no import, and tests may look anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::layers::{sources, tree, without_comments};

type Module = Vec<String>;

/// Where a file stands: `query/events/mod.rs` and `query/events.rs` are both `query::events`.
fn module(relative: &Path) -> Module {
    let path = relative.with_extension("");
    let mut names: Module = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|last| last == "mod" || last == "lib") {
        names.pop();
    }
    names
}

/// The modules of `files` that the code of `own` imports.
fn imports(code: &str, own: &Module, files: &BTreeSet<Module>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "super::"] {
        for (at, _) in code.match_indices(prefix) {
            let before = &code[..at];
            let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || "_$:".contains(c));
            if !is_whole {
                continue;
            }
            let mut rest = &code[at..];
            let mut base = own.clone();
            if let Some(after) = rest.strip_prefix("crate::") {
                (base, rest) = (vec![], after);
            }
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            let mut paths = vec![];
            tree(rest, &base, &mut paths);
            for mut path in paths {
                while !path.is_empty() && !files.contains(&path) {
                    path.pop();
                }
                if !path.is_empty() && path != *own {
                    found.insert(path);
                }
            }
        }
    }
    found
}

/// What is left when modules without imports among the rest are taken away again and again, from
/// both ends: the circles and what joins them.
fn tied(mut graph: BTreeMap<Module, BTreeSet<Module>>) -> BTreeMap<Module, BTreeSet<Module>> {
    loop {
        let used: BTreeSet<Module> = graph.values().flatten().cloned().collect();
        let before = graph.len();
        graph.retain(|module, imports| !imports.is_empty() && used.contains(module));
        let left: BTreeSet<Module> = graph.keys().cloned().collect();
        graph.values_mut().for_each(|imports| imports.retain(|module| left.contains(module)));
        if graph.len() == before {
            return graph;
        }
    }
}

#[test]
fn a_circle_is_found_and_what_hangs_on_it_is_not() {
    let name = |text: &str| text.split("::").map(str::to_owned).collect::<Module>();
    let files = BTreeSet::from(["a", "a::b", "a::c", "d"].map(name));
    let code = BTreeMap::from([
        ("a", "pub use b::X;"),
        ("a::b", "use super::c::{self, Y};\nuse crate::d::Z;"),
        ("a::c", "let x = crate::a::b::X;"),
        ("d", ""),
    ]);
    let graph = code.iter().map(|(m, code)| (name(m), imports(code, &name(m), &files))).collect();
    let tied: Vec<Module> = tied(graph).into_keys().collect();
    assert_eq!(tied, [name("a::b"), name("a::c")]);
}

#[test]
fn files_import_in_no_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &PathBuf| path.to_string_lossy().contains("/tests");
    let files: Vec<PathBuf> = sources(&root).into_iter().filter(|path| !is_test(path)).collect();
    let modules: BTreeMap<Module, &PathBuf> =
        files.iter().map(|path| (module(path.strip_prefix(&root).unwrap()), path)).collect();
    let names: BTreeSet<Module> = modules.keys().cloned().collect();
    let graph = modules.iter().map(|(module, path)| {
        let code = without_comments(&fs::read_to_string(path).unwrap());
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (module.clone(), imports(&code, module, &names))
    });
    let graph: BTreeMap<Module, BTreeSet<Module>> = graph.collect();
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 500, "the test sees the imports");
    let tied = tied(graph);
    let show = |module: &Module| module.join("::");
    let lines = tied.iter().map(|(module, imports)| {
        format!("{} -> {}", show(module), imports.iter().map(show).collect::<Vec<_>>().join(", "))
    });
    let lines: Vec<String> = lines.collect();
    assert!(lines.is_empty(), "circles of imports:\n{}", lines.join("\n"));
}
