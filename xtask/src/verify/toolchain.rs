//! A compiler together with the sources of its own standard library, to build that library anew: with a
//! sanitizer, or for another processor.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{context::Context, debian, suite::Way};

/// Such a compiler, or the one in use without sources.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// What starts it: nothing for the one in use.
    start: Vec<(&'static str, String)>,
    /// What it calls itself.
    pub(super) version: String,
    /// The triple of this machine.
    pub(super) host: String,
    sysroot: PathBuf,
}

/// What can be had, or a word why nothing can.
pub(super) type Found = Result<Toolchain, String>;

impl Toolchain {
    /// The compiler in use.
    pub(super) fn in_use() -> Result<Self> {
        Self::of(Vec::new())
    }

    fn of(start: Vec<(&'static str, String)>) -> Result<Self> {
        let ask = |arguments: &[&str]| {
            let in_use = || env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            let own = start.iter().find(|(name, _)| *name == "RUSTC").map(|(_, path)| path.into());
            let mut command = Command::new(own.unwrap_or_else(in_use));
            command.args(arguments).envs(start.iter().map(|(name, value)| (name, value)));
            let output = command.output().context("starting rustc")?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let told = ask(&["-vV"])?;
        let line = |key: &str| told.lines().find_map(|line| line.strip_prefix(key));
        let host = line("host: ").context("rustc tells no host")?.to_owned();
        let version = format!("rustc {}", line("release: ").context("rustc tells no release")?);
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
        Ok(Self { start, version, host, sysroot })
    }

    /// One with the sources of its library: that in use, or Debian's, which is fetched.
    pub(super) fn with_sources(context: &Context) -> Result<Found> {
        let in_use = Self::in_use()?;
        if in_use.sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
            return Ok(Ok(in_use));
        }
        if !debian::is_here() {
            return Ok(Err(
                "the toolchain has no component rust-src, and this system no packages of Debian"
                    .to_owned(),
            ));
        }
        let needed = env!("CARGO_PKG_RUST_VERSION");
        let recent = || debian::candidate("rustc-web").filter(|there| is_recent(there, needed));
        if recent().is_none() && !(debian::update() && recent().is_some()) {
            return Ok(Err(format!("Debian's packages hold no rustc-web of {needed} or later")));
        }
        let wanted = |name: &str| {
            let parts = ["libstd-rust-web-", "libllvm"];
            ["rustc-web", "rust-web-src"].contains(&name)
                || parts.iter().any(|part| name.starts_with(part))
        };
        let packages = debian::closure(&["rustc-web", "rust-web-src"], wanted)?;
        let root = match debian::unpack(&packages, &context.dir().join("debian")) {
            Ok(root) => root,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let path = |path: PathBuf| path.display().to_string();
        let debians = Self::of(vec![
            ("RUSTC", path(root.join("usr/bin/rustc"))),
            ("LD_LIBRARY_PATH", path(libraries_of(&root)?)),
        ])?;
        in_use.lend_runtimes(&debians)?;
        Ok(Ok(debians))
    }

    /// This one, if it came with the runtime of `sanitizer`.
    pub(super) fn with_runtime(self, sanitizer: &str) -> Found {
        if self.runtime(sanitizer).is_none() {
            return Err(format!("{} for {} came without it", self.version, self.host));
        }
        Ok(self)
    }

    /// The runtime of a sanitizer, if it came with the compiler.
    pub(super) fn runtime(&self, sanitizer: &str) -> Option<PathBuf> {
        let libraries = fs::read_dir(self.libraries()).ok()?;
        let mut paths = libraries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("librustc-") && name.ends_with(&format!("_rt.{sanitizer}.a"))
        })
    }

    fn libraries(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(&self.host).join("lib")
    }

    /// Debian's compiler comes without the runtimes of the sanitizers; they talk to the code by C
    /// functions whose versions are checked when a program starts.
    fn lend_runtimes(&self, to: &Self) -> Result<()> {
        for sanitizer in ["asan", "tsan"] {
            if let Some(from) = self.runtime(sanitizer) {
                let copy = to.libraries().join(format!("librustc-stable_rt.{sanitizer}.a"));
                fs::copy(&from, &copy).with_context(|| format!("copying {}", from.display()))?;
            }
        }
        Ok(())
    }

    /// The tests under `sanitizer`, with a library built anew if `anew`.
    pub(super) fn sanitized(&self, sanitizer: &str, anew: bool) -> Way {
        let mut way = Way::new(sanitizer, &self.host);
        self.lead(&mut way, anew);
        way.without = vec![("memory", "what things take is not what they take otherwise")];
        way
    }

    /// Makes `way` one of this compiler, unlocked, and of a library built anew if `anew`.
    pub(super) fn lead(&self, way: &mut Way, anew: bool) {
        way.set("RUSTC_BOOTSTRAP", "1");
        self.start.iter().for_each(|(name, value)| way.set(name, value.as_str()));
        if anew {
            way.arguments.push("-Zbuild-std".to_owned());
        }
    }
}

/// The folder of libraries in an unpacked system: `usr/lib/TRIPLE`.
fn libraries_of(root: &Path) -> Result<PathBuf> {
    let lib = root.join("usr/lib");
    let entries = fs::read_dir(&lib).with_context(|| format!("reading {}", lib.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.find(|path| path.as_os_str().to_string_lossy().ends_with("-linux-gnu"));
    found.with_context(|| format!("{} holds no libraries", lib.display()))
}

/// Whether Debian's version is `needed` or later.
fn is_recent(debians: &str, needed: &str) -> bool {
    let numbers = |version: &str| {
        let mut numbers =
            version.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
        (numbers.next().unwrap_or(0_u32), numbers.next().unwrap_or(0_u32))
    };
    numbers(debians) >= numbers(needed)
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_recent("1.96.0+dfsg1-1~deb12u2", "1.95"));
        assert!(is_recent("1.100.0-1", "1.95"));
        assert!(!is_recent("1.85.0+dfsg3-1~deb12u3", "1.95"));
        assert!(!is_recent("garbage", "1.95"));
    }
}
