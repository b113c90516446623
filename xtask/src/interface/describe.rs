//! What the record says of an item: a line for its head, and lines for what it is made of and what it does.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Fields, ImplItem, Item, TraitItem};

use super::{
    print::line,
    read::{Impl, is_public},
    tree::{attributes, conditions, members},
};

/// An item's head, and the lines of what it is made of.
pub(super) fn declaration(item: &Item) -> (String, Vec<String>) {
    let mut lines = Vec::new();
    let marks = marks(attributes(item));
    let head = match item {
        Item::Struct(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            bare.fields = Fields::Unit;
            lines.extend(derives(&item.attrs));
            for (i, field) in item.fields.iter().enumerate() {
                let name = field.ident.as_ref().map_or(i.to_string(), ToString::to_string);
                if is_public(&field.vis) {
                    lines.push(format!("{name}: {}", line(&field.ty)));
                }
            }
            if item.fields.iter().any(|field| !is_public(&field.vis)) {
                lines.push("and what is private".to_owned());
            }
            line(&bare)
        }
        Item::Enum(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            bare.variants.clear();
            lines.extend(derives(&item.attrs));
            for variant in &item.variants {
                let mut bare = variant.clone();
                bare.attrs.clear();
                bare.fields.iter_mut().for_each(|field| field.attrs.clear());
                lines.push(line(&bare));
            }
            line(&bare)
        }
        Item::Trait(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            bare.items.clear();
            lines.extend(item.items.iter().map(required));
            line(&bare)
        }
        Item::Fn(item) => format!("pub {}", line(&item.sig)),
        Item::Const(item) => format!("pub const {}: {}", item.ident, line(&item.ty)),
        Item::Static(item) => format!("pub static {}: {}", item.ident, line(&item.ty)),
        Item::Type(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            line(&bare)
        }
        _ => "pub".to_owned(),
    };
    let head = head.trim_end_matches(';').trim_end_matches("{ }").trim_end();
    (format!("{marks}{head}"), lines)
}

fn required(item: &TraitItem) -> String {
    match item {
        TraitItem::Fn(item) => {
            let provided = if item.default.is_some() { ", provided" } else { "" };
            format!("{}{provided}", line(&item.sig))
        }
        TraitItem::Type(item) => {
            let mut bare = item.clone();
            bare.attrs.clear();
            line(&bare)
        }
        TraitItem::Const(item) => format!("const {}: {}", item.ident, line(&item.ty)),
        item => line(item),
    }
}

/// The lines of what an item that needs `given` does: its `impl`s, and in each its public members.
pub(super) fn implemented(all: &[Impl<'_>], given: &[String]) -> Vec<String> {
    let mut blocks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Impl { item, when, .. } in all {
        let mut bare = (*item).clone();
        bare.attrs.clear();
        bare.items.clear();
        if let Some((path, _)) = &mut bare.trait_ {
            // However its file has brought it in.
            *path = path.segments.last().cloned().map(syn::Path::from).unwrap_or(path.clone());
        }
        let when: Vec<_> = when.iter().filter(|one| !given.contains(one)).cloned().collect();
        let head = line(&bare);
        let head = head.trim_end_matches("{ }").trim_end().trim_end_matches(',');
        let head = format!("{head}{}", needs(&when));
        let inside = members(&item.items);
        let told: Vec<_> = inside
            .iter()
            .filter_map(|member| match member {
                ImplItem::Fn(member) if is_public(&member.vis) => Some(format!(
                    "{}pub {}{}",
                    marks(&member.attrs),
                    line(&member.sig),
                    needs(&conditions(&member.attrs)),
                )),
                ImplItem::Const(member) if is_public(&member.vis) || item.trait_.is_some() => {
                    Some(format!("const {}: {}", member.ident, line(&member.ty)))
                }
                ImplItem::Type(member) => {
                    Some(format!("type {} = {}", member.ident, line(&member.ty)))
                }
                _ => None,
            })
            .collect();
        if item.trait_.is_some() || !told.is_empty() {
            blocks.entry(head).or_default().extend(told);
        }
    }
    let lines = |(head, members): (String, BTreeSet<String>)| {
        let members = members.into_iter().map(|member| format!("    {member}"));
        [head].into_iter().chain(members).collect::<Vec<_>>()
    };
    blocks.into_iter().flat_map(lines).collect()
}

/// `#[derive]`s, and those of a feature.
fn derives(attributes: &[Attribute]) -> Vec<String> {
    let kept = |one: &&Attribute| one.path().is_ident("derive") || one.path().is_ident("cfg_attr");
    attributes.iter().filter(kept).map(|one| line(&one.meta)).collect()
}

/// What an item says about itself beside its declaration.
fn marks(attributes: &[Attribute]) -> String {
    let told = attributes.iter().filter(|one| {
        let path = one.path();
        let hidden = path.is_ident("doc") && line(&one.meta).contains("hidden");
        hidden || path.is_ident("non_exhaustive") || path.is_ident("deprecated")
    });
    told.flat_map(|one| ["#[".to_owned(), line(&one.meta), "] ".to_owned()]).collect()
}

pub(super) fn needs(when: &[String]) -> String {
    let unique: BTreeSet<_> = when.iter().collect();
    unique.into_iter().flat_map(|condition| [" [", condition.as_str(), "]"]).collect()
}
