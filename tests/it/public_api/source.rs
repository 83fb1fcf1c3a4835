//! The modules of the crate, read from its sources.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, ItemImpl, Type, UseTree, Visibility};

/// A module: its path in the crate and its items.
#[derive(Clone)]
pub struct Module {
    pub path: Vec<String>,
    pub items: Vec<Item>,
}

/// What a name stands for.
pub enum Found {
    Module(Module),
    Item(Module, Item),
    /// The invocation of a macro that makes it.
    Macro(syn::Macro),
}

/// All modules of a crate, tests left out.
pub struct Crate(HashMap<Vec<String>, Module>);

impl Crate {
    pub fn read(lib: &Path) -> Self {
        let mut all = HashMap::new();
        read(lib, lib.parent().unwrap(), vec![], &mut all);
        Self(all)
    }

    pub fn root(&self) -> Module {
        self.0[&vec![]].clone()
    }

    pub fn child(&self, module: &Module, name: &str) -> Option<Module> {
        let mut path = module.path.clone();
        path.push(name.to_owned());
        self.0.get(&path).cloned()
    }

    /// The module that `path` names in `from`.
    pub fn resolve(&self, from: &Module, path: &[String]) -> Option<Module> {
        let mut at = from.path.clone();
        for (i, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" if i == 0 => at.clear(),
                "self" if i == 0 => {}
                "super" => {
                    at.pop();
                }
                name => at.push(name.to_owned()),
            }
        }
        self.0.get(&at).cloned()
    }

    /// What `name` stands for in `module`: declared, made by a macro, or re-exported.
    pub fn find(&self, module: &Module, wanted: &str) -> Option<Found> {
        if let Some(child) = self.child(module, wanted) {
            // A function may have the name of its module.
            let item = module.items.iter().find(|i| name(i).as_deref() == Some(wanted));
            return Some(
                item.map_or(Found::Module(child), |i| Found::Item(module.clone(), i.clone())),
            );
        }
        if let Some(item) = module.items.iter().find(|i| name(i).as_deref() == Some(wanted)) {
            return Some(Found::Item(module.clone(), item.clone()));
        }
        for item in &module.items {
            if let Item::Use(u) = item
                && let Some((path, real)) = used(&u.tree, wanted, &mut vec![])
                && let Some(target) = self.resolve(module, &path)
                && let Some(found) = self.find(&target, &real)
            {
                return Some(found);
            }
        }
        let macros = || {
            module.items.iter().filter_map(|item| match item {
                Item::Macro(m) if m.ident.is_none() => Some(&m.mac),
                _ => None,
            })
        };
        // A macro may make names that it is not given, as `settings!` makes SETTINGS.
        let made = macros().find(|mac| mentions(mac.tokens.clone(), wanted));
        made.or_else(|| macros().next()).cloned().map(Found::Macro)
    }

    /// The `impl` blocks of the type `name` in the room of `module`.
    pub fn impls(&self, module: &Module, name: &str) -> Vec<ItemImpl> {
        let room = module.path.first();
        let modules = self.0.values().filter(|m| m.path.first() == room);
        let items = modules.flat_map(|m| &m.items);
        let blocks = items.filter_map(|item| match item {
            Item::Impl(block) => Some(block),
            _ => None,
        });
        let is_of = |block: &&ItemImpl| match &*block.self_ty {
            Type::Path(path) => path.path.segments.last().is_some_and(|s| s.ident == name),
            _ => false,
        };
        blocks.filter(is_of).cloned().collect()
    }
}

fn read(file: &Path, folder: &Path, path: Vec<String>, all: &mut HashMap<Vec<String>, Module>) {
    let text = fs::read_to_string(file).unwrap();
    let items = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display())).items;
    for item in &items {
        let Item::Mod(m) = item else { continue };
        if m.content.is_some() || is_test(&m.attrs) {
            continue;
        }
        let name = m.ident.to_string();
        let flat: PathBuf = folder.join(format!("{name}.rs"));
        let inside = folder.join(&name);
        let child = [path.as_slice(), &[name]].concat();
        let file = if flat.is_file() { flat } else { inside.join("mod.rs") };
        read(&file, &inside, child, all);
    }
    all.insert(path.clone(), Module { path, items });
}

/// The path and the real name that a `use` gives the name `wanted` to.
fn used(tree: &UseTree, wanted: &str, before: &mut Vec<String>) -> Option<(Vec<String>, String)> {
    match tree {
        UseTree::Path(p) => {
            before.push(p.ident.to_string());
            let found = used(&p.tree, wanted, before);
            before.pop();
            found
        }
        UseTree::Group(group) => group.items.iter().find_map(|tree| used(tree, wanted, before)),
        UseTree::Name(n) if n.ident == wanted => Some((before.clone(), wanted.to_owned())),
        UseTree::Rename(r) if r.rename == wanted => Some((before.clone(), r.ident.to_string())),
        _ => None,
    }
}

/// The name of an item that has one.
pub fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Fn(i) => &i.sig.ident,
        Item::Const(i) => &i.ident,
        Item::Static(i) => &i.ident,
        Item::Type(i) => &i.ident,
        Item::Struct(i) => &i.ident,
        Item::Enum(i) => &i.ident,
        Item::Trait(i) => &i.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

pub fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// `#[doc(hidden)]`.
pub fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|a| a.path().is_ident("doc") && a.to_token_stream().to_string().contains("hidden"))
}

fn is_test(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|a| a.path().is_ident("cfg") && a.to_token_stream().to_string().contains("test"))
}

fn mentions(stream: TokenStream, name: &str) -> bool {
    stream.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// Source text on one line.
pub fn tokens(part: &impl ToTokens) -> String {
    compact(&part.to_token_stream().to_string())
}

/// The same of `stream` without its doc comments.
pub fn without_docs(stream: TokenStream) -> String {
    compact(&drop_docs(stream).to_string())
}

fn drop_docs(stream: TokenStream) -> TokenStream {
    let mut trees = stream.into_iter().peekable();
    let mut kept = vec![];
    while let Some(tree) = trees.next() {
        let is_doc = matches!(&tree, TokenTree::Punct(p) if p.as_char() == '#')
            && matches!(trees.peek(), Some(TokenTree::Group(g)) if mentions(g.stream(), "doc"));
        if is_doc {
            trees.next();
            continue;
        }
        kept.push(match tree {
            TokenTree::Group(group) => TokenTree::Group(proc_macro2::Group::new(
                group.delimiter(),
                drop_docs(group.stream()),
            )),
            tree => tree,
        });
    }
    kept.into_iter().collect()
}

fn compact(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" : ", ": "),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ;", ";"),
        ("-> ", "-> "),
        ("' ", "'"),
    ] {
        text = text.replace(from, to);
    }
    text.replace("->", " ->").replace("  ->", " ->")
}
