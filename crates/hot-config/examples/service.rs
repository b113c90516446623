//! A service under load whose settings come from a Kubernetes-style directory: a volume in which
//! `settings.json` is a link to `..data/settings.json`, and `..data` a link to the directory of the
//! current version, which is swapped for the next.
//!
//! It makes the directory itself, deploys good and bad versions while eight workers serve, and ends by
//! itself: `cargo run -p hot-config --example service --features json,notify`.

use core::{
    error::Error,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use hot_config::{
    FileSource, Reader,
    file::{Event, FileWatch, Invalid},
};

const WORKERS: usize = 8;
const VERSIONS: u64 = 10;

/// What the service needs to know.
#[derive(serde::Deserialize)]
struct Settings {
    /// How much a request costs, at least 1.
    price: u64,
    /// How many items a request may have.
    limit: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let volume = Volume::new()?;
    volume.deploy(1, r#"{ "price": 1, "limit": 100 }"#)?;

    let settings = FileSource::new(volume.path("settings.json"))
        .validate(|settings: &Settings| match settings.price {
            0 => Err(Invalid::at("price", "nothing is free")),
            _ => Ok(()),
        })
        .on_event(|event| match event {
            Event::Changed(change) => {
                println!("version {}: {} changed", change.version, change.changed.join(", "));
            }
            Event::Failed(error) => println!("kept the last good settings: {error}"),
            _ => {}
        })
        .open()?;

    let (over, served) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        for _ in 0..WORKERS {
            let reader = settings.reader();
            let (over, served) = (&over, &served);
            scope.spawn(move || served.fetch_add(serve(reader, over), Relaxed));
        }
        let deployed = deploy_all(&volume, &settings);
        over.store(true, Relaxed);
        deployed
    })?;

    let served = served.into_inner();
    println!("{served} requests by {WORKERS} workers in {:.1?}", started.elapsed());
    assert_eq!((settings.load().price, settings.status().failures), (VERSIONS, 2));
    Ok(())
}

/// One worker: each request has its settings from one version, whatever is deployed meanwhile.
fn serve(mut settings: Reader<Settings>, over: &AtomicBool) -> u64 {
    let mut served = 0;
    while !over.load(Relaxed) {
        let Settings { price, limit } = settings.load();
        // What was deployed together is seen together.
        assert_eq!(*limit, price * 100);
        served += 1;
    }
    served
}

/// Deploys version after version, some of them bad, and waits until each good one is in use, and each bad
/// one is told: that takes longer, since it might have been half-written.
fn deploy_all(volume: &Volume, settings: &FileWatch<Settings>) -> Result<(), Box<dyn Error>> {
    let mut changes = settings.subscribe();
    for price in 2..=VERSIONS {
        let bad = match price {
            4 => Some(r#"{ "price": 4, "limit": "#),
            7 => Some(r#"{ "price": 0, "limit": 0 }"#),
            _ => None,
        };
        if let Some(bad) = bad {
            let before = settings.status().failures;
            volume.deploy(100 + price, bad)?;
            while settings.status().failures == before {
                thread::sleep(Duration::from_millis(10));
            }
        }
        volume.deploy(price, &format!(r#"{{ "price": {price}, "limit": {} }}"#, price * 100))?;
        let change = changes.wait_timeout(Duration::from_secs(10))?;
        assert_eq!(change.price, price);
    }
    Ok(())
}

/// A directory as the kubelet keeps it for a config map.
struct Volume(PathBuf);

impl Volume {
    fn new() -> Result<Self, Box<dyn Error>> {
        let dir = std::env::temp_dir().join(format!("hot-config-service-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        symlink("..data/settings.json", dir.join("settings.json"))?;
        Ok(Self(dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a new directory, swaps `..data`, and removes the directory before.
    fn deploy(&self, version: u64, text: &str) -> Result<(), Box<dyn Error>> {
        let (data, aside) = (self.path("..data"), self.path("..data_tmp"));
        let before = fs::read_link(&data).ok();
        let next = format!("..version_{version}");
        fs::create_dir(self.path(&next))?;
        fs::write(self.path(&next).join("settings.json"), text)?;
        symlink(Path::new(&next), &aside)?;
        fs::rename(aside, data)?;
        if let Some(before) = before {
            fs::remove_dir_all(self.0.join(before))?;
        }
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
