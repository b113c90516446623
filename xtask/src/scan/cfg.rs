//! Which code a model contains: `#[cfg(..)]` with `loom` on, `stepped` and `test` off, and the rest
//! unknown.

use syn::{Attribute, Meta, Token, parse::Parser as _, punctuated::Punctuated};

/// Can code under these attributes be part of a model? Only a certain no is no.
pub(super) fn modelled(attributes: &[Attribute]) -> bool {
    possible(attributes, |name| match name {
        "loom" => Some(true),
        "stepped" | "test" => Some(false),
        _ => None,
    })
}

/// Can code under these attributes be part of what users build? Only a certain no is no.
pub(crate) fn released(attributes: &[Attribute]) -> bool {
    possible(attributes, |name| ["loom", "stepped", "test"].contains(&name).then_some(false))
}

/// Is code under these attributes there for unit tests only?
pub(super) fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("test"))
        || !possible(attributes, |name| (name == "test").then_some(false))
}

fn possible(attributes: &[Attribute], is_set: impl Fn(&str) -> Option<bool> + Copy) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).all(|attribute| {
        let predicate = attribute.parse_args::<Meta>();
        predicate.ok().and_then(|predicate| holds(&predicate, is_set)) != Some(false)
    })
}

/// The value of a predicate; `None` where what is known does not settle it.
fn holds(predicate: &Meta, is_set: impl Fn(&str) -> Option<bool> + Copy) -> Option<bool> {
    let Meta::List(list) = predicate else {
        return predicate.path().get_ident().and_then(|name| is_set(&name.to_string()));
    };
    let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone()).ok()?;
    let mut parts = parts.iter().map(|part| holds(part, is_set));
    if list.path.is_ident("not") {
        parts.next()?.map(|value| !value)
    } else if list.path.is_ident("all") {
        // One no settles it; without one, an unknown leaves it open.
        parts
            .try_fold(Some(true), |all, part| match part {
                Some(false) => Err(Some(false)),
                Some(true) => Ok(all),
                None => Ok(None),
            })
            .unwrap_or_else(|settled| settled)
    } else if list.path.is_ident("any") {
        parts
            .try_fold(Some(false), |any, part| match part {
                Some(true) => Err(Some(true)),
                Some(false) => Ok(any),
                None => Ok(None),
            })
            .unwrap_or_else(|settled| settled)
    } else {
        None
    }
}
