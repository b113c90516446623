//! The walk over a parsed file.

use proc_macro2::{LineColumn, Span, TokenStream, TokenTree};
use syn::{
    Attribute, Block, Expr, ImplItem, Item, Macro, Path, Token, UseTree,
    parse::{ParseStream, Parser as _},
    punctuated::Punctuated,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::{Order, cfg};

/// A place in a file, as `core::panic::Location` tells it: both numbers begin at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// For a statement, the line of its first token that is no attribute.
    pub code_line: usize,
}

impl Spot {
    fn of(at: LineColumn) -> Self {
        Self { line: at.line, column: at.column + 1, code_line: at.line }
    }
}

/// A call with an ordering among its arguments.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where it is, as its own `Location::caller()` tells it.
    pub at: Spot,
    /// The line of its closing parenthesis.
    pub last_line: usize,
    /// Its innermost statement or match arm.
    pub anchor: Spot,
    /// The function that it stands in, with the type where there is one.
    pub function: String,
    /// What is called.
    pub callee: String,
    /// The orderings among its arguments: of the access, and of its failure.
    pub orders: Vec<Order>,
    /// Can it be part of a model?
    pub modelled: bool,
}

/// An unsafe block or an unsafe impl.
#[derive(Clone, Copy, Debug)]
pub struct Unsafe {
    /// The line of the word.
    pub line: usize,
    /// Its innermost statement or match arm, or the impl.
    pub anchor: Spot,
}

/// A path past the façade.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The line that it begins on.
    pub line: usize,
    /// The path.
    pub path: String,
}

/// A module in a file of its own.
#[derive(Debug)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// The modules in braces around its declaration.
    pub within: Vec<String>,
    /// Can it be part of a model?
    pub modelled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) accesses: Vec<Access>,
    pub(super) unsafes: Vec<Unsafe>,
    pub(super) foreign: Vec<Foreign>,
    pub(super) hidden: Vec<usize>,
    pub(super) modules: Vec<Module>,
}

pub(super) fn file(file: &syn::File, modelled: bool) -> Found {
    let mut walk = Walk { modelled: modelled && cfg::modelled(&file.attrs), ..Walk::default() };
    walk.visit_file(file);
    walk.found.accesses.sort_by_key(|access| access.at);
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Found,
    modelled: bool,
    modules: Vec<String>,
    /// The names of the impl or trait and of the functions around.
    names: Vec<String>,
    anchors: Vec<Spot>,
}

impl Walk {
    /// Walks on inside something with attributes, unless it is there for unit tests only.
    fn under(&mut self, attributes: &[Attribute], inside: impl FnOnce(&mut Self)) {
        if cfg::only_in_tests(attributes) {
            return;
        }
        let outer = self.modelled;
        self.modelled &= cfg::modelled(attributes);
        inside(self);
        self.modelled = outer;
    }

    fn named(&mut self, name: String, inside: impl FnOnce(&mut Self)) {
        self.names.push(name);
        inside(self);
        self.names.pop();
    }

    /// Walks on inside a statement or a match arm, to which the comments above it belong.
    fn anchored(
        &mut self,
        node: &impl Spanned,
        attributes: &[Attribute],
        inside: impl FnOnce(&mut Self),
    ) {
        let mut anchor = Spot::of(node.span().start());
        if let Some(last) = attributes.last() {
            anchor.code_line = last.span().end().line + 1;
        }
        self.anchors.push(anchor);
        self.under(attributes, inside);
        self.anchors.pop();
    }

    fn call<'a>(
        &mut self,
        at: Span,
        callee: String,
        arguments: impl Iterator<Item = &'a Expr>,
        end: Span,
    ) {
        let orders: Vec<_> = arguments.filter_map(order).collect();
        if orders.is_empty() {
            return;
        }
        let at = Spot::of(at.start());
        self.found.accesses.push(Access {
            at,
            last_line: end.end().line,
            anchor: self.anchors.last().copied().unwrap_or(at),
            function: self.names.join("::"),
            callee,
            orders,
            modelled: self.modelled,
        });
    }

    fn name(&mut self, line: usize, segments: &[String]) {
        if past_the_facade(segments) {
            self.found.foreign.push(Foreign { line, path: segments.join("::") });
        }
    }

    fn use_tree(&mut self, tree: &UseTree, path: &[String]) {
        let with = |name: &syn::Ident| [path, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(tree) => self.use_tree(&tree.tree, &with(&tree.ident)),
            UseTree::Name(tree) => self.name(tree.ident.span().start().line, &with(&tree.ident)),
            UseTree::Rename(tree) => self.name(tree.ident.span().start().line, &with(&tree.ident)),
            UseTree::Glob(tree) => self.name(tree.span().start().line, path),
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.use_tree(tree, path);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item(&mut self, item: &'ast Item) {
        self.under(&attributes(item), |walk| visit::visit_item(walk, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        self.under(&attributes(item), |walk| visit::visit_impl_item(walk, item));
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        self.under(&attributes(item), |walk| visit::visit_trait_item(walk, item));
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_none() {
            let within = self.modules.clone();
            self.found.modules.push(Module { name, within, modelled: self.modelled });
            return;
        }
        self.modules.push(name);
        visit::visit_item_mod(self, module);
        self.modules.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if item.unsafety.is_some() {
            let anchor = Spot::of(item.span().start());
            let line = item.impl_token.span().start().line;
            self.found.unsafes.push(Unsafe { line, anchor });
        }
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.named(name.unwrap_or_default(), |walk| visit::visit_item_impl(walk, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.named(item.ident.to_string(), |walk| visit::visit_item_trait(walk, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.named(item.sig.ident.to_string(), |walk| visit::visit_item_fn(walk, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.named(item.sig.ident.to_string(), |walk| visit::visit_impl_item_fn(walk, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.named(item.sig.ident.to_string(), |walk| visit::visit_trait_item_fn(walk, item));
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let attributes = attributes(statement);
        self.anchored(statement, &attributes, |walk| visit::visit_stmt(walk, statement));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.anchored(arm, &arm.attrs, |walk| visit::visit_arm(walk, arm));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.under(&field.attrs, |walk| visit::visit_field_value(walk, field));
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        let at = Spot::of(block.unsafe_token.span().start());
        let anchor = self.anchors.last().copied().unwrap_or(at);
        self.found.unsafes.push(Unsafe { line: at.line, anchor });
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let end = call.paren_token.span.close();
        self.call(call.method.span(), call.method.to_string(), call.args.iter(), end);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let callee = path.path.segments.last().map(|last| last.ident.to_string());
            let end = call.paren_token.span.close();
            self.call(call.span(), callee.unwrap_or_default(), call.args.iter(), end);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments: Vec<_> = path.segments.iter().map(|one| one.ident.to_string()).collect();
        self.name(path.span().start().line, &segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        let tokens = &invocation.tokens;
        if !invocation.path.is_ident("macro_rules") {
            if let Ok(items) = all::<ImplItem>.parse2(tokens.clone()) {
                return items.iter().for_each(|item| self.visit_impl_item(item));
            }
            if let Ok(items) = all::<Item>.parse2(tokens.clone()) {
                return items.iter().for_each(|item| self.visit_item(item));
            }
            let arguments = Punctuated::<Expr, Token![,]>::parse_terminated;
            if let Ok(arguments) = arguments.parse2(tokens.clone()) {
                return arguments.iter().for_each(|argument| self.visit_expr(argument));
            }
            if let Ok(statements) = Block::parse_within.parse2(tokens.clone()) {
                return statements.iter().for_each(|statement| self.visit_stmt(statement));
            }
        }
        find_orders(tokens.clone(), &mut self.found.hidden);
    }
}

/// As many as there are.
pub(crate) fn all<T: syn::parse::Parse>(input: ParseStream<'_>) -> syn::Result<Vec<T>> {
    let mut nodes = Vec::new();
    while !input.is_empty() {
        nodes.push(input.parse()?);
    }
    Ok(nodes)
}

/// The attributes in front of a node, of whatever kind it is.
fn attributes(node: &impl quote::ToTokens) -> Vec<Attribute> {
    let parser = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let _rest: TokenStream = input.parse()?;
        Ok(attributes)
    };
    parser.parse2(node.to_token_stream()).unwrap_or_default()
}

/// The ordering that an argument names.
pub(crate) fn order(argument: &Expr) -> Option<Order> {
    let Expr::Path(path) = argument else { return None };
    let mut segments = path.path.segments.iter().rev();
    let order = segments.next()?.ident.to_string().parse().ok()?;
    segments.next().is_none_or(|parent| parent.ident == "Ordering").then_some(order)
}

fn past_the_facade(segments: &[String]) -> bool {
    let named = |path: &[&str]| segments.windows(path.len()).any(|window| window == path);
    let first = segments.first().map_or("", String::as_str);
    let of_std = ["core", "std", "alloc"].contains(&first);
    (["loom", "portable_atomic"].contains(&first) && segments.len() > 1)
        || named(&["sync", "atomic"])
        || named(&["cell", "UnsafeCell"])
        || named(&["crossbeam_utils", "atomic"])
        || (of_std && named(&["hint", "spin_loop"]))
        || (of_std && segments.last().is_some_and(|last| last == "hint"))
}

fn find_orders(tokens: TokenStream, lines: &mut Vec<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => find_orders(group.stream(), lines),
            TokenTree::Ident(word) if word.to_string().parse::<Order>().is_ok() => {
                lines.push(word.span().start().line);
            }
            _ => {}
        }
    }
}
