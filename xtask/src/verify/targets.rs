//! Other targets: the tests of every crate with 32 bits, and on another processor, emulated.
//!
//! The emulator runs on a processor that orders stores, so it shows no weak memory: this is about code
//! generation and the sizes of words, not about orderings.

use core::time::Duration;
use std::path::PathBuf;

use anyhow::Result;

use super::{Ready, Rung, context::Context, debian, suite::Way, table::Row, toolchain::Toolchain};
use crate::workspace::Crate;

/// One of them.
struct Target {
    triple: &'static str,
    /// What the tools of this target are named after.
    gnu: &'static str,
    /// What Debian calls it.
    debian: &'static str,
    /// The emulator; a processor of this machine's family needs none.
    emulator: Option<&'static str>,
    note: &'static str,
}

const TARGETS: [Target; 2] = [
    Target {
        triple: "i686-unknown-linux-gnu",
        gnu: "i686-linux-gnu",
        debian: "i386",
        emulator: None,
        note: "32 bits, run as they are",
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
        debian: "arm64",
        emulator: Some("qemu-aarch64-static"),
        note: "emulated: shows no weak memory",
    },
];

/// Tests that start themselves as another process, which an emulator does not.
const PROCESSES: [(&str, &str); 7] = [
    ("lockfree-core", "cells_of_ended_threads_are_visited_and_those_of_live_ones_are_not"),
    ("lockfree-core", "destructors_in_both_orders_see_the_slot_or_none_and_leak_nothing"),
    ("lockfree-core", "waves_leave_a_table_as_large_as_the_largest_wave"),
    ("seqgen", "a_file_that_may_only_be_read_is_refused"),
    ("seqgen", "killed_at_random_moments_it_repeats_nothing_and_skips_a_block"),
    ("seqgen", "one_file_has_one_user"),
    ("seqgen", "without_room_nothing_is_made_and_nothing_given"),
];

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Targets(Option<(Toolchain, PathBuf)>);

impl Rung for Targets {
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        let toolchain = match Toolchain::with_sources(context)? {
            Ok(toolchain) => toolchain,
            Err(why) => return Ok(Ready::No(why)),
        };
        if toolchain.host != "x86_64-unknown-linux-gnu" || !debian::is_here() {
            return Ok(Ready::No("needs x86-64 Linux with packages of Debian".to_owned()));
        }
        let mut packages = vec!["qemu-user-static".to_owned()];
        for target in &TARGETS {
            let gcc = format!("gcc-{}", target.gnu);
            let libc = format!("libc6-dev-{}-cross", target.debian);
            if [&gcc, &libc].iter().any(|name| debian::candidate(name).is_none()) {
                return Ok(Ready::No(format!("Debian's packages hold no {gcc} with {libc}")));
            }
            let end = format!("-{}-cross", target.debian);
            let wanted = |name: &str| name.contains(target.gnu) || name.ends_with(&end);
            packages.extend(debian::closure(&[&gcc, &libc], wanted)?);
        }
        match debian::unpack(&packages, &context.dir().join("cross")) {
            Ok(root) => self.0 = Some((toolchain, root)),
            Err(error) => return Ok(Ready::No(format!("{error:#}"))),
        }
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some((toolchain, root)) = &self.0 else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        for target in &TARGETS {
            let mut way = Way::new("targets", target.triple);
            way.without =
                vec![("memory", "what things take is told of 64 bits, and by whole runs")];
            toolchain.lead(&mut way, true);
            let binaries = root.join("usr/bin");
            way.set_first("LD_LIBRARY_PATH", &root.join("usr/lib/x86_64-linux-gnu"));
            // Statically linked: it finds no library where it runs.
            way.flags = vec![
                "-Ctarget-feature=+crt-static".to_owned(),
                format!("-Clinker={}", binaries.join(format!("{}-gcc", target.gnu)).display()),
                format!("-Clink-arg=--sysroot={}", root.display()),
            ];
            if let Some(emulator) = target.emulator {
                let why = "starts another process, which the emulator does not";
                way.runner = Some(binaries.join(emulator));
                way.skip = PROCESSES.map(|(name, test)| (name, test, why)).into();
                way.without.push(("processes", why));
            }
            way.limit = Duration::from_mins(10);
            way.set("ATOMWORKS_STRESS", context.stress(0.1));
            way.set("PROPTEST_CASES", "16");
            way.set("CARGO_PROFILE_DEV_DEBUG", "false");
            let found = way.check(context, one)?;
            rows.extend(found.into_iter().map(|row| row.on(target.triple, target.note)));
        }
        Ok(rows)
    }
}
