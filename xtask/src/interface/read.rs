//! What a crate offers: each public item by its path, with what belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use syn::{ImplItem, Item, ItemImpl, Type, Visibility};

use super::{
    Interface, Operation,
    calls::Calls,
    describe::{declaration, implemented},
    tree::{Name, Target, Tree, attributes, conditions, members, name_of},
};
use crate::workspace::{self, Crate};

/// A path under which users find something, and what it needs.
struct Export {
    path: String,
    target: Target,
    when: Vec<String>,
}

/// An `impl`, and what it needs.
pub(super) struct Impl<'a> {
    pub(super) item: &'a ItemImpl,
    pub(super) when: Vec<String>,
}

pub(super) fn interface(one: &Crate) -> Result<Interface> {
    let tree = Tree::read(&one.dir.join("src"))?;
    let root = one.name.replace('-', "_");
    let mut exports = Vec::new();
    walk(&tree, &Name::new(), &root, &[], &mut BTreeSet::new(), &mut exports);
    // What has several paths is told under the shortest.
    exports.sort_by_key(|one| (one.path.len(), one.path.clone()));
    let exported = exports.iter().map(|one| one.target.clone()).collect();
    let implementations = implementations(&tree, &exported);
    let mut calls = Calls::default();
    calls.add(&tree);
    if one.is_structure() {
        calls.add(&Tree::read(&workspace::root().join("crates/lockfree-core/src"))?);
    }
    let shared = calls.shared();

    let mut known: BTreeMap<Target, String> = BTreeMap::new();
    let mut interface = Interface::default();
    for Export { path, target, when } in exports {
        if let Some(first) = known.get(&target) {
            if *first != path {
                interface.add(&path, &format!("pub use {first}"), &when, Vec::new());
            }
            continue;
        }
        known.insert(target.clone(), path.clone());
        match &target {
            Target::Module(_) => interface.add(&path, "pub mod", &when, Vec::new()),
            Target::Foreign(foreign) => {
                interface.add(&path, &format!("pub use {foreign}"), &when, Vec::new());
            }
            Target::Item(module, name) => {
                let own = implementations.get(&target).map_or(&[][..], Vec::as_slice);
                // The compiler knows a type by its first name.
                let first = aliased(&tree, &target).unwrap_or_else(|| target.clone());
                let symbol = symbol(&root, &first);
                let here = Place { symbol, path: &path, shared: &shared };
                for item in &tree.modules[module].items {
                    if name_of(item).is_some_and(|own| own == *name) {
                        let (declared, lines) = declaration(item);
                        let when = [&when[..], &conditions(attributes(item))].concat();
                        let lines = [lines, implemented(own, &when)].concat();
                        interface.add(&path, &declared, &when, lines);
                        here.operations(item, own, &mut interface.operations);
                    }
                }
            }
        }
    }
    for (target, path) in &known {
        interface.types.insert(symbol(&root, target), for_users(path).to_owned());
        if let Some(same) = aliased(&tree, target).and_then(|same| known.get(&same)) {
            interface.aliases.insert(for_users(path).to_owned(), for_users(same).to_owned());
        }
    }
    for module in tree.modules.values() {
        for item in &module.items {
            let marks = attributes(item);
            if let Item::Macro(item) = item
                && marks.iter().any(|one| one.path().is_ident("macro_export"))
                && let Some(name) = &item.ident
            {
                let path = format!("{root}::{name}!");
                interface.add(&path, "pub macro", &conditions(marks), Vec::new());
            }
        }
    }
    interface.operations.sort();
    interface.operations.dedup();
    Ok(interface)
}

fn walk(
    tree: &Tree,
    name: &Name,
    path: &str,
    when: &[String],
    visited: &mut BTreeSet<(Name, String)>,
    exports: &mut Vec<Export>,
) {
    let Some(module) = tree.modules.get(name) else { return };
    if !visited.insert((name.clone(), path.to_owned())) {
        return;
    }
    let mut found = Vec::new();
    for item in &module.items {
        match item {
            Item::Mod(inner) if is_public(&inner.vis) => {
                let child = [&name[..], &[inner.ident.to_string()]].concat();
                let when = [when, &conditions(&inner.attrs)].concat();
                found.push((inner.ident.to_string(), Target::Module(child), when));
            }
            item if visibility(item).is_some_and(is_public) => {
                if let Some(own) = name_of(item) {
                    let target = Target::Item(name.clone(), own.clone());
                    found.push((own, target, when.to_vec()));
                }
            }
            _ => {}
        }
    }
    for one in module.uses.iter().filter(|one| one.public) {
        let when = [when, &one.when].concat();
        match tree.resolve(name, &one.path) {
            Some(Target::Module(inside)) if one.name == "*" => {
                walk(tree, &inside, path, &when, visited, exports);
            }
            Some(target) => found.push((one.name.clone(), target, when)),
            None => {}
        }
    }
    for (own, target, when) in found {
        let path = format!("{path}::{own}");
        if let Target::Module(inside) = &target {
            walk(tree, inside, &path, &when, visited, exports);
        }
        exports.push(Export { path, target, when });
    }
}

/// Every `impl` of what users can name, by the type that it is of, or by the trait where it is of any type.
fn implementations<'t>(
    tree: &'t Tree,
    exported: &BTreeSet<Target>,
) -> BTreeMap<Target, Vec<Impl<'t>>> {
    let mut all: BTreeMap<Target, Vec<Impl<'t>>> = BTreeMap::new();
    for (name, module) in &tree.modules {
        for item in &module.items {
            let Item::Impl(item) = item else { continue };
            let trait_ = item.trait_.as_ref().map(|(path, _)| path);
            let of = |path: &syn::Path| match tree.resolve(name, &segments(path)) {
                Some(target @ Target::Item(..)) => Some(target),
                _ => None,
            };
            if trait_.and_then(of).is_some_and(|own| !exported.contains(&own)) {
                continue;
            }
            let target = path_of(&item.self_ty).and_then(of).or_else(|| trait_.and_then(of));
            if let Some(target) = target {
                let when = [&module.when[..], &conditions(&item.attrs)].concat();
                all.entry(target).or_default().push(Impl { item, when });
            }
        }
    }
    all
}

/// What a `type` of another name is.
fn aliased(tree: &Tree, target: &Target) -> Option<Target> {
    let Target::Item(module, name) = target else { return None };
    tree.modules[module].items.iter().find_map(|item| match item {
        Item::Type(item) if item.ident == name => {
            tree.resolve(module, &segments(path_of(&item.ty)?))
        }
        _ => None,
    })
}

/// The path of an item for the compiler.
fn symbol(root: &str, target: &Target) -> String {
    match target {
        Target::Module(module) => [&[root.to_owned()], &module[..]].concat().join("::"),
        Target::Item(module, name) => {
            [&[root.to_owned()], &module[..], core::slice::from_ref(name)].concat().join("::")
        }
        Target::Foreign(path) => path.clone(),
    }
}

/// A path without the crate's name.
fn for_users(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, path)| path)
}

fn path_of(of: &Type) -> Option<&syn::Path> {
    match of {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        Type::Reference(reference) => path_of(&reference.elem),
        _ => None,
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|one| one.ident.to_string()).collect()
}

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn visibility(item: &Item) -> Option<&Visibility> {
    Some(match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return None,
    })
}

/// Traits whose functions look at values and at nothing that threads share.
const PLAIN: [&str; 16] = [
    "AsRef",
    "Binary",
    "Borrow",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Error",
    "From",
    "FromStr",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "TryFrom",
];

/// Where an item is declared, and where users find it.
struct Place<'a> {
    /// Its path for the compiler.
    symbol: String,
    /// Its path for users.
    path: &'a str,
    /// The functions that may come to a shared word.
    shared: &'a BTreeSet<String>,
}

impl Place<'_> {
    /// Its functions: itself, its public ones, and those of the traits that it implements by hand.
    fn operations(&self, item: &Item, all: &[Impl<'_>], found: &mut Vec<Operation>) {
        let public = for_users(self.path);
        let symbol = &self.symbol;
        if let Item::Fn(item) = item {
            let shared = Calls::touches(&item.block, self.shared);
            found.push(Operation { name: public.to_owned(), symbol: symbol.clone(), shared });
            return;
        }
        if matches!(item, Item::Trait(_)) {
            return;
        }
        for Impl { item, .. } in all {
            let trait_ = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
            if trait_.is_some_and(|last| PLAIN.iter().any(|name| last.ident == name)) {
                continue;
            }
            for member in members(&item.items) {
                if let ImplItem::Fn(member) = member
                    && (trait_.is_some() || is_public(&member.vis))
                {
                    let own = member.sig.ident;
                    found.push(Operation {
                        name: format!("{public}::{own}"),
                        symbol: format!("{symbol}::{own}"),
                        shared: Calls::touches(&member.block, self.shared),
                    });
                }
            }
        }
    }
}
