//! Signatures as one would write them, in one line each.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// `node` in one line.
pub(super) fn line(node: &impl ToTokens) -> String {
    let mut words = Vec::new();
    flatten(node.to_token_stream(), &mut words);
    let (mut text, mut before) = (String::new(), None);
    for (i, word) in words.iter().enumerate() {
        if word == "," && words.get(i + 1).is_none_or(|next| closes(next)) {
            continue;
        }
        if before.is_some_and(|before| apart(before, word)) {
            text.push(' ');
        }
        text.push_str(word);
        before = Some(word);
    }
    text
}

fn flatten(tokens: TokenStream, words: &mut Vec<String>) {
    let mut joint = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                words.extend([open].into_iter().filter(|word| !word.is_empty()).map(str::to_owned));
                flatten(group.stream(), words);
                words
                    .extend([close].into_iter().filter(|word| !word.is_empty()).map(str::to_owned));
                joint = false;
            }
            TokenTree::Punct(sign) => {
                let together =
                    joint && words.last().is_some_and(|last| joins(last, sign.as_char()));
                match words.last_mut() {
                    Some(last) if together => last.push(sign.as_char()),
                    _ => words.push(sign.to_string()),
                }
                joint = sign.spacing() == Spacing::Joint;
            }
            word => {
                match words.last_mut() {
                    Some(last) if joint && last == "'" => last.push_str(&word.to_string()),
                    _ => words.push(word.to_string()),
                }
                joint = false;
            }
        }
    }
}

/// Is `last` with this sign one word?
fn joins(last: &str, sign: char) -> bool {
    matches!((last, sign), (":", ':') | ("-" | "=", '>') | ("." | "..", '.') | ("..", '='))
}

fn closes(word: &str) -> bool {
    matches!(word, ")" | "]" | "}" | ">")
}

/// Does a space stand between them?
fn apart(before: &str, after: &str) -> bool {
    let spaced = |word: &str| matches!(word, "->" | "=>" | "=" | "+" | "{" | "}");
    if spaced(before) || spaced(after) {
        return true;
    }
    let tight_after = matches!(before, "(" | "[" | "<" | "::" | "&" | "*" | "!" | "?" | "#" | ".");
    let tight_before =
        closes(after) || matches!(after, "," | ";" | ":" | "::" | "<" | "(" | "?" | "!" | ".");
    match (before, after) {
        (")" | ">", "where") | ("," | ":", _) => true,
        // A tuple, and a path from the root.
        ("for" | "in" | "dyn" | "impl" | "as", "(" | "<") => before != "impl" && before != "for",
        _ => !tight_after && !tight_before,
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_signature_is_one_line() {
        for text in [
            "pub fn push(&mut self, value: T) -> Result<(), Full<T>>",
            "impl<'a, T: 'static + Send> Iterator for Drain<'a, T>",
            "fn f<F>(f: &dyn Fn(&str) -> [u8; 4]) where F: for<'a> Fn(&'a T) -> Option<()>",
            "fn g(x: *const T, y: impl Into<(A, B)>) -> core::ops::Range<usize>",
            "unsafe impl<T: ?Sized> Send for Cell<T>",
        ] {
            let tokens: proc_macro2::TokenStream = text.parse().expect("tokens");
            assert_eq!(line(&tokens), text);
        }
    }
}
