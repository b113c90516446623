//! `ThreadSanitizer` over the unit and stress tests, with a standard library that is instrumented too:
//! without one it takes what `std` does for races.

use anyhow::Result;

use super::{Ready, Rung, context::Context, table::Row, toolchain::Toolchain};
use crate::workspace::Crate;

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Tsan(Option<Toolchain>);

impl Rung for Tsan {
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        let found = Toolchain::with_sources(context)?;
        match found.and_then(|toolchain| toolchain.with_runtime("tsan")) {
            Ok(toolchain) => self.0 = Some(toolchain),
            Err(why) => return Ok(Ready::No(why)),
        }
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some(toolchain) = &self.0 else { return Ok(Vec::new()) };
        let mut way = toolchain.sanitized("tsan", true);
        way.flags = vec!["-Zsanitizer=thread".to_owned()];
        way.set("TSAN_OPTIONS", "halt_on_error=0:second_deadlock_stack=1");
        way.set("ATOMWORKS_STRESS", context.stress(0.3));
        way.set("PROPTEST_CASES", "32");
        way.check(context, one)
    }
}
