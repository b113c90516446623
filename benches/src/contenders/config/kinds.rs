//! Ours, and those to be measured beside.

use super::{Config, Read, Role, Settings, Write};
use hot_config::{HotConfig, Reader};
use lockfree_core::CachePadded;
use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, PoisonError, RwLock};

/// Our handle: one load and a compare.
#[derive(Debug)]
pub struct HotReader;
/// Our guard.
#[derive(Debug)]
pub struct HotGuard;
/// A bare pointer, whose old values are never freed.
#[derive(Debug)]
pub struct Bare;
/// `ArcSwap::load`.
#[derive(Debug)]
pub struct ArcSwapLoad;
/// `arc_swap::Cache`.
#[derive(Debug)]
pub struct ArcSwapCache;
/// `ArcShift::get`.
#[derive(Debug)]
pub struct ArcShift;
/// `tokio::sync::watch`.
#[derive(Debug)]
pub struct Watch;
/// The standard library's lock.
#[derive(Debug)]
pub struct Std;
/// `parking_lot`'s lock.
#[derive(Debug)]
pub struct ParkingLot;
/// `left_right`.
#[derive(Debug)]
pub struct LeftRight;

impl Write for HotConfig<Settings> {
    fn update(&mut self, settings: Settings) {
        drop(HotConfig::update(self, settings));
    }
}

impl Read for Reader<Settings> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(self.load())
    }
}

impl Config for HotReader {
    const NAME: &'static str = "Reader";
    const PACKAGE: Option<&'static str> = Some("hot-config");
    const ROLE: Role = Role::Ours;
    type Writer = HotConfig<Settings>;
    type Reader = Reader<Settings>;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let config = HotConfig::default();
        let readers = (0..readers).map(|_| config.reader()).collect();
        (config, readers)
    }
}

impl Read for HotConfig<Settings> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&self.load())
    }
}

impl Config for HotGuard {
    const NAME: &'static str = "load";
    const PACKAGE: Option<&'static str> = Some("hot-config");
    const ROLE: Role = Role::Ours;
    type Writer = HotConfig<Settings>;
    type Reader = HotConfig<Settings>;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let config = HotConfig::default();
        (config.clone(), vec![config; readers])
    }
}

/// One value that all share.
type Shared<T> = Arc<CachePadded<T>>;

fn shared<T>(value: T, readers: usize) -> (Shared<T>, Vec<Shared<T>>) {
    let value = Arc::new(CachePadded::new(value));
    (Arc::clone(&value), vec![value; readers])
}

impl Write for Shared<AtomicPtr<Settings>> {
    fn update(&mut self, settings: Settings) {
        self.store(Box::leak(Box::new(settings)), Release);
    }
}

impl Read for Shared<AtomicPtr<Settings>> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        // SAFETY: what is stored is leaked, so it is there for good.
        look(unsafe { &*self.load(Acquire) })
    }
}

impl Config for Bare {
    const NAME: &'static str = "AtomicPtr";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Floor;
    type Writer = Shared<AtomicPtr<Settings>>;
    type Reader = Self::Writer;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        shared(AtomicPtr::new(Box::leak(Box::default())), readers)
    }
}

type Swap = arc_swap::ArcSwap<Settings>;

impl Write for Shared<Swap> {
    fn update(&mut self, settings: Settings) {
        self.store(Arc::new(settings));
    }
}

impl Read for Shared<Swap> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&self.load())
    }
}

impl Config for ArcSwapLoad {
    const NAME: &'static str = "arc-swap load";
    const PACKAGE: Option<&'static str> = Some("arc-swap");
    type Writer = Shared<Swap>;
    type Reader = Self::Writer;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        shared(Swap::default(), readers)
    }
}

/// The handle borrows its value, so here it owns it.
#[derive(Debug)]
pub struct Owned(Shared<Swap>);

impl core::ops::Deref for Owned {
    type Target = Swap;

    #[inline]
    fn deref(&self) -> &Swap {
        &self.0
    }
}

impl Read for arc_swap::Cache<Owned, Arc<Settings>> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(self.load())
    }
}

impl Config for ArcSwapCache {
    const NAME: &'static str = "arc-swap Cache";
    const PACKAGE: Option<&'static str> = Some("arc-swap");
    type Writer = Shared<Swap>;
    type Reader = arc_swap::Cache<Owned, Arc<Settings>>;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let (writer, readers) = shared(Swap::default(), readers);
        (writer, readers.into_iter().map(|swap| arc_swap::Cache::new(Owned(swap))).collect())
    }
}

impl Write for arcshift::ArcShift<Settings> {
    fn update(&mut self, settings: Settings) {
        arcshift::ArcShift::update(self, settings);
    }
}

impl Read for arcshift::ArcShift<Settings> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(self.get())
    }
}

impl Config for ArcShift {
    const NAME: &'static str = "arcshift";
    const PACKAGE: Option<&'static str> = Some("arcshift");
    type Writer = arcshift::ArcShift<Settings>;
    type Reader = Self::Writer;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let shift = arcshift::ArcShift::new(Settings::default());
        (shift.clone(), vec![shift; readers])
    }
}

impl Write for tokio::sync::watch::Sender<Settings> {
    fn update(&mut self, settings: Settings) {
        self.send_replace(settings);
    }
}

impl Read for tokio::sync::watch::Receiver<Settings> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&self.borrow())
    }
}

impl Config for Watch {
    const NAME: &'static str = "tokio watch";
    const PACKAGE: Option<&'static str> = Some("tokio");
    type Writer = tokio::sync::watch::Sender<Settings>;
    type Reader = tokio::sync::watch::Receiver<Settings>;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let (sender, receiver) = tokio::sync::watch::channel(Settings::default());
        (sender, vec![receiver; readers])
    }
}

impl Write for Shared<RwLock<Settings>> {
    fn update(&mut self, settings: Settings) {
        *RwLock::write(self).unwrap_or_else(PoisonError::into_inner) = settings;
    }
}

impl Read for Shared<RwLock<Settings>> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&RwLock::read(self).unwrap_or_else(PoisonError::into_inner))
    }
}

impl Config for Std {
    const NAME: &'static str = "RwLock";
    const PACKAGE: Option<&'static str> = None;
    type Writer = Shared<RwLock<Settings>>;
    type Reader = Self::Writer;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        shared(RwLock::default(), readers)
    }
}

impl Write for Shared<parking_lot::RwLock<Settings>> {
    fn update(&mut self, settings: Settings) {
        *parking_lot::RwLock::write(self) = settings;
    }
}

impl Read for Shared<parking_lot::RwLock<Settings>> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&parking_lot::RwLock::read(self))
    }
}

impl Config for ParkingLot {
    const NAME: &'static str = "parking_lot";
    const PACKAGE: Option<&'static str> = Some("parking_lot");
    type Writer = Shared<parking_lot::RwLock<Settings>>;
    type Reader = Self::Writer;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        shared(parking_lot::RwLock::default(), readers)
    }
}

/// Puts other settings in the place of those that are there.
#[derive(Debug)]
pub struct Replace(Settings);

impl left_right::Absorb<Replace> for Settings {
    fn absorb_first(&mut self, operation: &mut Replace, _: &Self) {
        self.clone_from(&operation.0);
    }

    fn sync_with(&mut self, first: &Self) {
        self.clone_from(first);
    }
}

impl Write for left_right::WriteHandle<Settings, Replace> {
    fn update(&mut self, settings: Settings) {
        self.append(Replace(settings)).publish();
    }
}

impl Read for left_right::ReadHandle<Settings> {
    #[inline]
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R {
        look(&self.enter().expect("the writer lives"))
    }
}

impl Config for LeftRight {
    const NAME: &'static str = "left-right";
    const PACKAGE: Option<&'static str> = Some("left-right");
    type Writer = left_right::WriteHandle<Settings, Replace>;
    type Reader = left_right::ReadHandle<Settings>;

    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>) {
        let (mut writer, reader) = left_right::new::<Settings, Replace>();
        writer.publish();
        (writer, vec![reader; readers])
    }
}
