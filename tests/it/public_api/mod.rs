//! What is public, as `docs/public-api.txt` lists it: a change of the API shows in review.
//!
//! `CLIPFLOW_API_COMPLETE=1` writes the file anew.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use quote::ToTokens;
use syn::{Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

use source::{Crate, Found, Module, is_hidden, is_public, tokens, without_docs};

/// Where the listing lies.
const LISTING: &str = "docs/public-api.txt";

/// Lists the items of one crate.
struct Listing {
    krate: Crate,
    lines: BTreeSet<String>,
}

impl Listing {
    /// The public items of `module`, under the public path `path`.
    fn module(&mut self, module: &Module, path: &str) {
        for item in &module.items {
            match item {
                Item::Mod(m) if is_public(&m.vis) && !is_hidden(&m.attrs) => {
                    let name = m.ident.to_string();
                    let Some(child) = self.krate.child(module, &name) else { continue };
                    self.lines.insert(format!("mod {path}::{name}"));
                    self.module(&child, &format!("{path}::{name}"));
                }
                Item::Use(u) if is_public(&u.vis) && !is_hidden(&u.attrs) => {
                    self.uses(module, &u.tree, &mut vec![], path);
                }
                Item::Macro(m) if m.ident.is_none() => self.invocation(&m.mac, path),
                item if is_public_item(item) => self.item(module, item, path, None),
                _ => {}
            }
        }
    }

    /// A re-export: what it names is listed where it can be reached.
    fn uses(&mut self, module: &Module, tree: &UseTree, before: &mut Vec<String>, path: &str) {
        match tree {
            UseTree::Path(p) => {
                before.push(p.ident.to_string());
                self.uses(module, &p.tree, before, path);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.uses(module, tree, before, path);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.export(module, before, &name, &name, path);
            }
            UseTree::Rename(rename) => {
                let (name, alias) = (rename.ident.to_string(), rename.rename.to_string());
                self.export(module, before, &name, &alias, path);
            }
            UseTree::Glob(_) => {
                let target = self.krate.resolve(module, before);
                let target = target.unwrap_or_else(|| panic!("{path}: {before:?}::* is not found"));
                self.module(&target, path);
            }
        }
    }

    fn export(&mut self, from: &Module, before: &[String], name: &str, alias: &str, path: &str) {
        if before.is_empty() && self.krate.child(from, name).is_none() {
            self.lines.insert(format!("use {path}::{alias} = crate {name}"));
            return;
        }
        // A short name of what is listed in its own room.
        let is_short = from.path.is_empty() || from.path == ["prelude"];
        if is_short && !self.hidden_rooms().iter().any(|room| before.first() == Some(room)) {
            self.lines.insert(format!("use {path}::{alias} = {}::{name}", before.join("::")));
            return;
        }
        let Some(target) = self.krate.resolve(from, before) else {
            panic!("{path}::{alias}: {before:?} is not found")
        };
        match self.krate.find(&target, name) {
            Some(Found::Module(module)) => {
                self.lines.insert(format!("mod {path}::{alias}"));
                self.module(&module, &format!("{path}::{alias}"));
            }
            Some(Found::Item(module, item)) => self.item(&module, &item, path, Some(alias)),
            Some(Found::Macro(mac)) => self.invocation(&mac, path),
            None => panic!("{path}::{alias}: {name} is not found in {}", target.path.join("::")),
        }
    }

    /// Rooms whose items are public only where they are re-exported.
    fn hidden_rooms(&self) -> Vec<String> {
        let items = self.krate.root().items;
        let hidden = items.iter().filter_map(|item| match item {
            Item::Mod(m) if !is_public(&m.vis) || is_hidden(&m.attrs) => Some(m.ident.to_string()),
            _ => None,
        });
        hidden.collect()
    }

    /// Items that a macro of the crate makes: what it is given says which.
    fn invocation(&mut self, mac: &syn::Macro, path: &str) {
        let name = mac.path.to_token_stream().to_string();
        for part in without_docs(mac.tokens.clone()).split(';').map(str::trim) {
            if !part.is_empty() {
                self.lines.insert(format!("macro {path} {name}! {part}"));
            }
        }
    }

    fn item(&mut self, module: &Module, item: &Item, path: &str, alias: Option<&str>) {
        let Some(name) = source::name(item) else { return };
        let at = format!("{path}::{}", alias.unwrap_or(&name));
        let line = match item {
            Item::Fn(f) => format!("{at}: {}", tokens(&f.sig)),
            Item::Const(c) => format!("const {at}: {}", tokens(&c.ty)),
            Item::Static(s) => format!("static {at}: {}", tokens(&s.ty)),
            Item::Type(t) => format!("type {at}{} = {}", tokens(&t.generics), tokens(&t.ty)),
            Item::Struct(s) => {
                self.fields(&at, &s.fields);
                format!("struct {at}{}{}", tokens(&s.generics), traits(&s.attrs))
            }
            Item::Enum(e) => {
                for variant in &e.variants {
                    let fields = tokens(&variant.fields);
                    let fields = without_docs(fields.parse().unwrap());
                    self.lines.insert(format!("variant {at}::{} {fields}", variant.ident));
                }
                format!("enum {at}{}{}", tokens(&e.generics), traits(&e.attrs))
            }
            Item::Trait(t) => {
                for item in &t.items {
                    if let TraitItem::Fn(f) = item {
                        self.lines.insert(format!("{at}::{}", tokens(&f.sig)));
                    }
                }
                format!("trait {at}{}: {}", tokens(&t.generics), tokens(&t.supertraits))
            }
            _ => return,
        };
        self.lines.insert(line.trim_end().trim_end_matches(':').to_owned());
        if matches!(item, Item::Struct(_) | Item::Enum(_)) {
            self.impls(module, &name, &at);
        }
    }

    fn fields(&mut self, at: &str, fields: &Fields) {
        for (i, field) in fields.iter().enumerate().filter(|(_, f)| is_public(&f.vis)) {
            let name = field.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string);
            self.lines.insert(format!("field {at}.{name}: {}", tokens(&field.ty)));
        }
    }

    /// Methods and traits of the type `name` of `module`, which its own room implements.
    fn impls(&mut self, module: &Module, name: &str, at: &str) {
        for block in self.krate.impls(module, name) {
            if let Some((_, of, _)) = &block.trait_ {
                self.lines.insert(format!("impl {} for {at}", tokens(of)));
                continue;
            }
            for item in &block.items {
                match item {
                    ImplItem::Fn(f) if is_public(&f.vis) && !is_hidden(&f.attrs) => {
                        self.lines.insert(format!("{at}::{}", tokens(&f.sig)));
                    }
                    ImplItem::Const(c) if is_public(&c.vis) => {
                        self.lines.insert(format!("const {at}::{}: {}", c.ident, tokens(&c.ty)));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn is_public_item(item: &Item) -> bool {
    let (vis, attrs): (&Visibility, _) = match item {
        Item::Fn(i) => (&i.vis, &i.attrs),
        Item::Const(i) => (&i.vis, &i.attrs),
        Item::Static(i) => (&i.vis, &i.attrs),
        Item::Type(i) => (&i.vis, &i.attrs),
        Item::Struct(i) => (&i.vis, &i.attrs),
        Item::Enum(i) => (&i.vis, &i.attrs),
        Item::Trait(i) => (&i.vis, &i.attrs),
        _ => return false,
    };
    is_public(vis) && !is_hidden(attrs)
}

/// What is derived, and whether fields or variants may be added.
fn traits(attrs: &[syn::Attribute]) -> String {
    let told =
        attrs.iter().filter(|a| a.path().is_ident("derive") || a.path().is_ident("non_exhaustive"));
    told.map(|a| format!(" {}", tokens(&a.meta))).collect()
}

#[test]
fn what_is_public_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let krate = Crate::read(&root.join("src/lib.rs"));
    let top = krate.root();
    let mut listing = Listing { krate, lines: BTreeSet::new() };
    listing.module(&top, "clipflow");
    let mut text = String::from(
        "# What is public: one item a line. A test compares it; CLIPFLOW_API_COMPLETE=1 writes it anew.\n",
    );
    for line in &listing.lines {
        text.push_str(line);
        text.push('\n');
    }
    assert!(listing.lines.len() > 300, "{} items", listing.lines.len());
    for known in
        ["struct clipflow::processors::VideoClipProcessor", "register_all: fn register_all("]
    {
        assert!(text.contains(known), "{known} is not listed");
    }
    let path = root.join(LISTING);
    if std::env::var_os("CLIPFLOW_API_COMPLETE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let listed = fs::read_to_string(&path).unwrap_or_default();
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (listed.lines().collect(), text.lines().collect());
    let gone: Vec<_> = old.difference(&new).map(|l| format!("- {l}")).collect();
    let added: Vec<_> = new.difference(&old).map(|l| format!("+ {l}")).collect();
    assert!(
        gone.is_empty() && added.is_empty(),
        "the public API is not as {LISTING} lists it; CLIPFLOW_API_COMPLETE=1 writes it anew:\n{}",
        [gone, added].concat().join("\n")
    );
}
