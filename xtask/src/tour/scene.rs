//! What the programs tell: rates, and invariants that hold or not.

use core::time::Duration;

use anstyle::Style;
use anyhow::{Result, ensure};

use crate::term::{Align, BAD, BOLD, GOOD, Table, grouped, paint};

/// One program of the tour.
struct Program {
    family: &'static str,
    name: String,
    rates: Vec<Rate>,
    /// How many invariants held, and how many did not.
    held: usize,
    broken: usize,
}

struct Rate {
    contender: &'static str,
    operations: u64,
    elapsed: Duration,
}

impl Rate {
    fn nanoseconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate is read to three digits")]
        let operations = self.operations as f64;
        self.elapsed.as_secs_f64() * 1e9 / operations
    }

    fn millions_a_second(&self) -> f64 {
        1e3 / self.nanoseconds()
    }
}

/// The stage: programs are announced, do something, and say what they saw.
#[derive(Default)]
pub(crate) struct Scene {
    family: &'static str,
    programs: Vec<Program>,
}

impl Scene {
    pub(super) fn family(&mut self, name: &'static str, about: &str) {
        self.family = name;
        anstream::println!("\n{} {about}", paint(BOLD, &format!("{name}:")));
    }

    /// Announces a program.
    pub(super) fn program(&mut self, name: &str) {
        let name = name.to_owned();
        anstream::println!("\n  {name}");
        let family = self.family;
        self.programs.push(Program { family, name, rates: Vec::new(), held: 0, broken: 0 });
    }

    /// Says what was seen.
    #[expect(clippy::unused_self, reason = "what is told is told on the stage")]
    pub(super) fn tell(&self, text: &str) {
        println!("    {text}");
    }

    /// Says how long `operations` took. The first contender of a program is ours; the others are
    /// measured against it.
    pub(super) fn rate(&mut self, contender: &'static str, operations: u64, elapsed: Duration) {
        let program = self.programs.last_mut().expect("a program is announced first");
        let rate = Rate { contender, operations, elapsed };
        let (millions, each) = (rate.millions_a_second(), rate.nanoseconds());
        let ratio = match program.rates.first() {
            Some(ours) => format!("{:>7.2}x the time", each / ours.nanoseconds()),
            None => String::new(),
        };
        let operations = grouped(operations);
        println!(
            "    {contender:<26} {operations:>12} operations {millions:>9.1} M/s {each:>8.2} ns each {ratio}"
        );
        program.rates.push(rate);
    }

    /// Says whether an invariant holds.
    pub(super) fn check(&mut self, invariant: &str, holds: bool) {
        let program = self.programs.last_mut().expect("a program is announced first");
        let (style, mark) = if holds { (GOOD, "✓") } else { (BAD, "FAIL") };
        anstream::println!("    {} {invariant}", paint(style, mark));
        program.held += usize::from(holds);
        program.broken += usize::from(!holds);
    }

    pub(super) fn summarize(&self) {
        let mut table = Table::new(&[
            ("family", Align::Left),
            ("program", Align::Left),
            ("ours", Align::Left),
            ("M/s", Align::Right),
            ("against", Align::Left),
            ("ratio", Align::Right),
            ("invariants", Align::Right),
        ]);
        for program in &self.programs {
            let style = if program.broken == 0 { Style::new() } else { BAD };
            let checks = match program.broken {
                0 => format!("{} ✓", program.held),
                broken => format!("{broken} FAIL"),
            };
            let mut row = |cells: [&str; 7]| table.row(style, cells.map(str::to_owned).to_vec());
            let (family, name) = (program.family, program.name.as_str());
            let Some((ours, others)) = program.rates.split_first() else {
                row([family, name, "", "", "", "", &checks]);
                continue;
            };
            let mut head =
                [family, name, ours.contender, &format!("{:.1}", ours.millions_a_second())];
            let mut checks = checks.as_str();
            for other in others {
                let ratio = format!("{:.2}x", other.nanoseconds() / ours.nanoseconds());
                let [family, name, contender, rate] = head;
                row([family, name, contender, rate, other.contender, &ratio, checks]);
                (head, checks) = ([""; 4], "");
            }
            if others.is_empty() {
                let [family, name, contender, rate] = head;
                row([family, name, contender, rate, "", "", checks]);
            }
        }
        anstream::println!();
        table.print();
        println!(
            "M/s: millions of operations a second; ratio: how many times faster ours is than what stands under `against`"
        );
    }

    pub(super) fn verdict(&self) -> Result<()> {
        let broken: usize = self.programs.iter().map(|program| program.broken).sum();
        ensure!(broken == 0, "{broken} invariants do not hold");
        Ok(())
    }
}
