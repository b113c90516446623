//! Items that a macro of the crate declares: its body with the arguments in place.
//!
//! Only the plainest macros are expanded: one rule whose parameters stand between commas, after
//! attributes that may be there. Others that hold items are read as they stand, or not at all.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The rules of one macro: the names of its parameters, and its body.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    parameters: Vec<String>,
    body: TokenStream,
}

/// The rules in `tokens`, the inside of a `macro_rules!`, if they are plain.
pub(super) fn rules(tokens: TokenStream) -> Option<Rules> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let [TokenTree::Group(pattern), arrow, _, TokenTree::Group(body), rest @ ..] = &tokens[..]
    else {
        return None;
    };
    let more = rest.iter().any(|token| !is(token, ';'));
    if !is(arrow, '=') || more {
        return None;
    }
    let parameters = without_repetitions(pattern.stream());
    let mut names = Vec::new();
    for pair in parameters.windows(2) {
        if let [dollar, TokenTree::Ident(name)] = pair
            && is(dollar, '$')
        {
            names.push(name.to_string());
        }
    }
    Some(Rules { parameters: names, body: body.stream() })
}

/// The body of `rules` for these arguments.
pub(super) fn expand(rules: &Rules, arguments: TokenStream) -> TokenStream {
    let mut values = vec![TokenStream::new()];
    let mut tokens = arguments.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is(&token, '#') {
            tokens.next();
        } else if is(&token, ',') {
            values.push(TokenStream::new());
        } else if let Some(last) = values.last_mut() {
            last.extend([token]);
        }
    }
    let values = rules.parameters.iter().map(String::as_str).zip(values).collect();
    substitute(rules.body.clone(), &values)
}

fn substitute(tokens: TokenStream, values: &BTreeMap<&str, TokenStream>) -> TokenStream {
    let tokens = without_repetitions(tokens);
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let inside = substitute(group.stream(), values);
                out.extend([TokenTree::from(Group::new(group.delimiter(), inside))]);
            }
            token if is(&token, '$') => {
                let name = tokens.next().map(|name| name.to_string()).unwrap_or_default();
                out.extend(values.get(name.as_str()).cloned().unwrap_or_default());
            }
            token => out.extend([token]),
        }
    }
    out
}

/// Leaves out `$(..)*`.
fn without_repetitions(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let repeated = |next: &TokenTree| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        if is(&token, '$') && tokens.next_if(repeated).is_some() {
            tokens.next_if(|next| ['*', '+', '?'].iter().any(|&sign| is(next, sign)));
        } else {
            kept.push(token);
        }
    }
    kept
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}
