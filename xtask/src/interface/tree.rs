//! The modules of a crate as users compile it: no models, no unit tests, every feature.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use syn::{Attribute, ImplItem, Item, ItemMacro as Macro, UseTree, Visibility, parse::Parser as _};

use super::{expand, print};
use crate::scan::{self, released};

/// A module's name, from the root of the crate on.
pub(super) type Name = Vec<String>;

/// One module.
#[derive(Default)]
pub(super) struct Module {
    pub(super) items: Vec<Item>,
    pub(super) uses: Vec<Use>,
    /// The conditions under which it is there.
    pub(super) when: Vec<String>,
}

/// One name that a `use` brings in; `*` for all.
pub(super) struct Use {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) public: bool,
    pub(super) when: Vec<String>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Module(Name),
    /// An item of this name in a module.
    Item(Name, String),
    Foreign(String),
}

/// All modules of one crate.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: BTreeMap<Name, Module>,
    macros: BTreeMap<String, expand::Rules>,
}

impl Tree {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let mut pending = vec![(dir.join("lib.rs"), dir.to_owned(), Name::new(), Vec::new())];
        while let Some((file, children, name, when)) = pending.pop() {
            let text =
                fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let parsed =
                syn::parse_file(&text).with_context(|| format!("parsing {}", file.display()))?;
            tree.module(&children, name, &when, parsed.items, &mut pending);
        }
        tree.expand_all()?;
        Ok(tree)
    }

    fn module(
        &mut self,
        children: &Path,
        name: Name,
        when: &[String],
        items: Vec<Item>,
        pending: &mut Vec<(PathBuf, PathBuf, Name, Vec<String>)>,
    ) {
        let mut module = Module { when: when.to_vec(), ..Module::default() };
        for mut item in items {
            let attributes = attributes(&item).to_vec();
            if !released(&attributes) {
                continue;
            }
            match &mut item {
                Item::Mod(inner) => {
                    let inner_name = [&name[..], &[inner.ident.to_string()]].concat();
                    let folder = children.join(inner.ident.to_string());
                    let inner_when = [when, &conditions(&attributes)].concat();
                    match inner.content.take() {
                        Some((_, items)) => {
                            self.module(&folder, inner_name, &inner_when, items, pending);
                        }
                        None => {
                            pending.push((scan::file_of(&folder), folder, inner_name, inner_when));
                        }
                    }
                }
                Item::Use(item) => {
                    let public = matches!(item.vis, Visibility::Public(_));
                    let found = Use {
                        name: String::new(),
                        path: Vec::new(),
                        public,
                        when: conditions(&attributes),
                    };
                    brought_in(&item.tree, &found, &mut module.uses);
                }
                Item::Macro(item) if item.mac.path.is_ident("macro_rules") => {
                    let name = item.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                    if let Some(rules) = expand::rules(item.mac.tokens.clone()) {
                        self.macros.insert(name, rules);
                    }
                }
                _ => {}
            }
            module.items.push(item);
        }
        self.modules.insert(name, module);
    }

    /// Puts in the place of each macro the items that it declares.
    fn expand_all(&mut self) -> Result<()> {
        for module in self.modules.values_mut() {
            let mut items = Vec::new();
            for mut item in core::mem::take(&mut module.items) {
                if let Item::Impl(item) = &mut item {
                    expand_members(&self.macros, &mut item.items);
                }
                let Item::Macro(Macro { mac, .. }) = &item else {
                    items.push(item);
                    continue;
                };
                let name = mac.path.segments.last().map(|last| last.ident.to_string());
                let rules = name.as_ref().and_then(|name| self.macros.get(name));
                let declared = rules.map(|rules| expand::expand(rules, mac.tokens.clone()));
                match declared.map(|tokens| (tokens.to_string(), scan::all::<Item>.parse2(tokens)))
                {
                    Some((_, Ok(declared))) => items.extend(declared),
                    Some((text, Err(_))) if text.contains("pub ") => {
                        bail!("{}! declares what cannot be read", name.unwrap_or_default());
                    }
                    _ => items.push(item),
                }
            }
            module.items = items;
        }
        Ok(())
    }

    /// What `path` stands for in `module`; `None` where nothing here has that name.
    pub(super) fn resolve(&self, module: &Name, path: &[String]) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let parent = || module.split_last().map(|(_, parent)| parent.to_vec());
        let start = match first.as_str() {
            "crate" => Target::Module(Name::new()),
            "self" => Target::Module(module.clone()),
            "super" => Target::Module(parent()?),
            _ => match self.named(module, first) {
                Some(target) => target,
                None => return Some(Target::Foreign(path.join("::"))),
            },
        };
        rest.iter().try_fold(start, |target, segment| match target {
            Target::Module(name) if segment == "super" => {
                Some(Target::Module(name.split_last()?.1.to_vec()))
            }
            Target::Module(name) => self.named(&name, segment),
            Target::Foreign(path) => Some(Target::Foreign(format!("{path}::{segment}"))),
            Target::Item(..) => None,
        })
    }

    /// What `name` stands for in `module`.
    fn named(&self, module: &Name, name: &str) -> Option<Target> {
        let inside = self.modules.get(module)?;
        let child = [&module[..], &[name.to_owned()]].concat();
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        if inside.items.iter().any(|item| name_of(item).is_some_and(|own| own == name)) {
            return Some(Target::Item(module.clone(), name.to_owned()));
        }
        // A name that a module brings in under itself would turn in a circle.
        let own =
            |one: &&Use| one.name == name && one.path.first().is_none_or(|first| first != name);
        if let Some(one) = inside.uses.iter().find(own) {
            return self.resolve(module, &one.path);
        }
        let foreign = inside.uses.iter().find(|one| one.name == name);
        foreign.map(|one| Target::Foreign(one.path.join("::")))
    }
}

/// The same for the functions of an `impl`.
fn expand_members(macros: &BTreeMap<String, expand::Rules>, items: &mut Vec<ImplItem>) {
    for item in core::mem::take(items) {
        if let ImplItem::Macro(syn::ImplItemMacro { mac, .. }) = &item
            && let Some(last) = mac.path.segments.last()
            && last.ident != CONST
            && let Some(rules) = macros.get(&last.ident.to_string())
        {
            let tokens = expand::expand(rules, mac.tokens.clone());
            if let Ok(declared) = scan::all::<ImplItem>.parse2(tokens) {
                items.extend(declared);
                continue;
            }
        }
        items.push(item);
    }
}

/// The name that an item declares.
pub(super) fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The attributes in front of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn attributes_of_member(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        _ => &[],
    }
}

/// The façade's macro for functions that users may call in constants.
const CONST: &str = "const_unless_loom";

/// The functions and constants of an `impl`, those in a macro's braces too.
pub(super) fn members(items: &[ImplItem]) -> Vec<ImplItem> {
    let mut found = Vec::new();
    for item in items.iter().filter(|item| released(attributes_of_member(item))) {
        match item {
            ImplItem::Macro(item) => {
                let inside = scan::all::<ImplItem>.parse2(item.mac.tokens.clone());
                let is_const = item.mac.path.segments.iter().any(|one| one.ident == CONST);
                found.extend(inside.unwrap_or_default().into_iter().map(|mut member| {
                    if let (ImplItem::Fn(member), true) = (&mut member, is_const) {
                        member.sig.constness = Some(syn::token::Const::default());
                    }
                    member
                }));
            }
            item => found.push(item.clone()),
        }
    }
    found
}

fn brought_in(tree: &UseTree, so_far: &Use, found: &mut Vec<Use>) {
    let with = |name: &str, more: &str| Use {
        name: name.to_owned(),
        path: [&so_far.path[..], &[more.to_owned()]].concat(),
        public: so_far.public,
        when: so_far.when.clone(),
    };
    match tree {
        UseTree::Path(tree) => brought_in(&tree.tree, &with("", &tree.ident.to_string()), found),
        UseTree::Name(tree) if tree.ident == "self" => {
            let name = so_far.path.last().cloned().unwrap_or_default();
            found.push(Use { name, path: so_far.path.clone(), ..with("", "") });
        }
        UseTree::Name(tree) => {
            let name = tree.ident.to_string();
            found.push(with(&name, &name));
        }
        UseTree::Rename(tree) => {
            found.push(with(&tree.rename.to_string(), &tree.ident.to_string()));
        }
        UseTree::Glob(_) => {
            found.push(Use { name: "*".to_owned(), path: so_far.path.clone(), ..with("", "") });
        }
        UseTree::Group(tree) => tree.items.iter().for_each(|tree| brought_in(tree, so_far, found)),
    }
}

/// The conditions among `attributes` that depend on features or on the target.
pub(super) fn conditions(attributes: &[Attribute]) -> Vec<String> {
    let conditions = attributes.iter().filter(|one| one.path().is_ident("cfg"));
    let conditions = conditions.filter_map(|one| one.parse_args::<syn::Meta>().ok());
    let told = conditions.map(|condition| print::line(&condition));
    told.filter(|told| !["loom", "stepped"].iter().any(|face| told.contains(face))).collect()
}
