//! Where, when and from what a run was made: without it a figure is worth nothing.

use std::{env::consts, fs, process::Command, thread, time::SystemTime};

/// The circumstances of a run.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The processor's model, as the system names it.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The system and architecture.
    pub system: String,
    /// The compiler that built the executable.
    pub rustc: &'static str,
    /// The commit that it was built from, and whether the tree had changes.
    pub commit: &'static str,
    /// Target, optimization and flags.
    pub profile: String,
    /// When the run began, in UTC.
    pub date: String,
}

impl Stamp {
    /// The stamp of a run that begins now.
    pub fn now() -> Self {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |age| age.as_secs());
        let flags = match env!("ATOMWORKS_RUSTFLAGS") {
            "" => String::new(),
            flags => format!(", flags {flags}"),
        };
        let assertions = if cfg!(debug_assertions) { ", with debug assertions" } else { "" };
        Self {
            cpu: cpu().unwrap_or_else(|| "unknown".to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", consts::OS, consts::ARCH),
            rustc: env!("ATOMWORKS_RUSTC"),
            commit: env!("ATOMWORKS_COMMIT"),
            profile: format!(
                "{}, opt-level {}{assertions}{flags}",
                env!("ATOMWORKS_TARGET"),
                env!("ATOMWORKS_OPT_LEVEL"),
            ),
            date: date(seconds),
        }
    }

    /// What each part is called, and the part.
    pub fn rows(&self) -> [(&'static str, String); 6] {
        [
            ("CPU", format!("{}, {} cores, {}", self.cpu, self.cores, self.system)),
            ("rustc", self.rustc.to_owned()),
            ("commit", self.commit.to_owned()),
            ("built for", self.profile.clone()),
            ("date", self.date.clone()),
            ("distance", "one-line round trip: near below 250 ns, far above".to_owned()),
        ]
    }
}

/// The version of a package that the executable was built with, from the lock file; the
/// compiler's for the standard library.
pub fn version(package: Option<&str>) -> &'static str {
    let Some(package) = package else {
        return env!("ATOMWORKS_RUSTC").split(' ').nth(1).unwrap_or("?");
    };
    env!("ATOMWORKS_VERSIONS")
        .split(' ')
        .find_map(|entry| entry.strip_prefix(package)?.strip_prefix('='))
        .unwrap_or("?")
}

/// As Linux tells it in a file, or macOS by a command.
fn cpu() -> Option<String> {
    if let Ok(table) = fs::read_to_string("/proc/cpuinfo") {
        let line = table.lines().find(|line| line.starts_with("model name"))?;
        return Some(line.split_once(':')?.1.trim().to_owned());
    }
    let output = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Seconds since 1970 as a date and time in UTC: days become a civil date by Hinnant's algorithm
/// (2013), whose years begin in March so that the leap day comes last.
fn date(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (time / 3_600, time / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::{date, version};

    #[test]
    fn dates_of_leap_years_and_year_ends() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_767_225_599), "2025-12-31 23:59 UTC");
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let is_version = |text: &str| text.split('.').count() >= 3 && !text.contains('?');
        assert!(
            ["rtrb", "ringbuf", "nolock", "benches"].iter().all(|p| is_version(version(Some(p))))
        );
        assert!(is_version(version(None)));
        assert_eq!(version(Some("rtr")), "?");
    }
}
