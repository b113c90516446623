//! `AddressSanitizer` with its leak detection: unit, stress and doc tests.

use anyhow::Result;

use super::{Ready, Rung, context::Context, suite::Way, table::Row, toolchain::Toolchain};
use crate::workspace::Crate;

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Asan(Option<Toolchain>);

impl Rung for Asan {
    fn prepare(&mut self, _: &Context) -> Result<Ready> {
        let toolchain = Toolchain::in_use()?;
        if toolchain.runtime("asan").is_none() {
            let why = format!("{} for {} came without it", toolchain.version, toolchain.host);
            return Ok(Ready::No(why));
        }
        self.0 = Some(toolchain);
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some(toolchain) = &self.0 else { return Ok(Vec::new()) };
        let mut way = Way::new("asan", &toolchain.host);
        toolchain.lead(&mut way, false);
        way.flags = ["-Zsanitizer=address", "-Cforce-frame-pointers=yes"].map(str::to_owned).into();
        way.set("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
        way.set("LSAN_OPTIONS", "report_objects=1");
        way.without = vec![("memory", "what things take is not what they take otherwise")];
        way.set("ATOMWORKS_STRESS", context.stress(0.5));
        way.set("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        let mut rows = way.check(context, one)?;
        rows.push(way.check_docs(context, one)?);
        Ok(rows)
    }
}
