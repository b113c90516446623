//! Which functions may come to a word that threads share, as far as names tell.
//!
//! A function does if it names an ordering in a call, or if it names a function that does: any of that
//! name, of this crate or of the core. So it may be said of one that does not, where names are common; never
//! the reverse, but for what is dropped in passing.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, ImplItem, Item,
    visit::{self, Visit},
};

use super::tree::{Tree, members};
use crate::scan;

/// What the functions of a crate and of the core name, by their own names.
#[derive(Default)]
pub(super) struct Calls {
    functions: BTreeMap<String, Body>,
}

/// What a body names, all functions of one name together.
#[derive(Default)]
struct Body {
    names: BTreeSet<String>,
    accesses: bool,
}

impl Calls {
    /// Adds the functions of a crate.
    pub(super) fn add(&mut self, tree: &Tree) {
        for item in tree.modules.values().flat_map(|module| &module.items) {
            match item {
                Item::Fn(item) => self.function(&item.sig.ident.to_string(), &item.block),
                Item::Impl(item) => {
                    for member in members(&item.items) {
                        if let ImplItem::Fn(member) = member {
                            self.function(&member.sig.ident.to_string(), &member.block);
                        }
                    }
                }
                Item::Trait(item) => {
                    for member in &item.items {
                        if let syn::TraitItem::Fn(member) = member
                            && let Some(block) = &member.default
                        {
                            self.function(&member.sig.ident.to_string(), block);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn function(&mut self, name: &str, block: &syn::Block) {
        self.functions.entry(name.to_owned()).or_default().visit_block(block);
    }

    /// The names of functions that may come to a shared word.
    pub(super) fn shared(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        loop {
            let touches = |body: &Body| body.accesses || !body.names.is_disjoint(&found);
            let all = self.functions.iter().filter(|(_, body)| touches(body));
            let next: BTreeSet<_> = all.map(|(name, _)| name.clone()).collect();
            if next.len() == found.len() {
                return found;
            }
            found = next;
        }
    }

    /// May a body with these names come to one?
    pub(super) fn touches(block: &syn::Block, shared: &BTreeSet<String>) -> bool {
        let mut body = Body::default();
        body.visit_block(block);
        body.accesses || !body.names.is_disjoint(shared)
    }
}

/// An ordering, or one that is handed on.
fn is_order(argument: &Expr) -> bool {
    let handed_on = |path: &syn::ExprPath| {
        ["order", "success", "failure"].iter().any(|name| path.path.is_ident(name))
    };
    scan::order(argument).is_some() || matches!(argument, Expr::Path(path) if handed_on(path))
}

impl<'ast> Visit<'ast> for Body {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.names.insert(call.method.to_string());
        self.accesses |= call.args.iter().any(is_order);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.accesses |= call.args.iter().any(is_order);
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.names.extend(path.path.segments.last().map(|last| last.ident.to_string()));
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if matches!(expr, Expr::ForLoop(_)) {
            self.names.extend(["into_iter", "next"].map(str::to_owned));
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.tokens(invocation.tokens.clone());
    }
}

impl Body {
    /// Whatever stands in a macro may be called.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(name) => {
                    let name = name.to_string();
                    self.accesses |= name.parse::<scan::Order>().is_ok();
                    self.names.insert(name);
                }
                _ => {}
            }
        }
    }
}
