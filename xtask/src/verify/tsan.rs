//! `ThreadSanitizer` over the unit and stress tests, with a standard library that is instrumented too:
//! without one it takes what `std` does for races.

use anyhow::Result;

use super::{Ready, Rung, context::Context, suite::Way, table::Row, toolchain::Toolchain};
use crate::workspace::Crate;

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Tsan(Option<Toolchain>);

impl Rung for Tsan {
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        let toolchain = match Toolchain::with_sources(context)? {
            Ok(toolchain) => toolchain,
            Err(why) => return Ok(Ready::No(why)),
        };
        if toolchain.runtime("tsan").is_none() {
            let why = format!("{} for {} came without it", toolchain.version, toolchain.host);
            return Ok(Ready::No(why));
        }
        self.0 = Some(toolchain);
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some(toolchain) = &self.0 else { return Ok(Vec::new()) };
        let mut way = Way::new("tsan", &toolchain.host);
        toolchain.lead(&mut way, true);
        way.flags = vec!["-Zsanitizer=thread".to_owned()];
        way.set("TSAN_OPTIONS", "halt_on_error=0:second_deadlock_stack=1");
        way.without = vec![("memory", "what things take is not what they take otherwise")];
        way.set("ATOMWORKS_STRESS", context.stress(0.3));
        way.set("PROPTEST_CASES", "32");
        way.set("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        way.check(context, one)
    }
}
