//! `AddressSanitizer` with its leak detection: unit, stress and doc tests.

use anyhow::Result;

use super::{Ready, Rung, context::Context, table::Row, toolchain::Toolchain};
use crate::workspace::Crate;

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Asan(Option<Toolchain>);

impl Rung for Asan {
    fn prepare(&mut self, _: &Context) -> Result<Ready> {
        match Toolchain::in_use()?.with_runtime("asan") {
            Ok(toolchain) => self.0 = Some(toolchain),
            Err(why) => return Ok(Ready::No(why)),
        }
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some(toolchain) = &self.0 else { return Ok(Vec::new()) };
        let mut way = toolchain.sanitized("asan", false);
        way.flags = ["-Zsanitizer=address", "-Cforce-frame-pointers=yes"].map(str::to_owned).into();
        way.set("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
        way.set("LSAN_OPTIONS", "report_objects=1");
        way.set("ATOMWORKS_STRESS", context.stress(0.5));
        way.skip = vec![
            (
                "ring-spsc",
                "what_is_left_is_dropped_before_it_is_split_again",
                "leaks what is behind a forgotten end",
            ),
            (
                "hot-config",
                "subscriptions_that_are_forgotten_keep_no_value",
                "leaks what they keep",
            ),
        ];
        let mut rows = way.check(context, one)?;
        rows.push(way.check_docs(context, one)?);
        Ok(rows)
    }
}
