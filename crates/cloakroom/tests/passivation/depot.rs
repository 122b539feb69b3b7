//! A depot in memory that fails and waits on command.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use cloakroom::core::{BoxFuture, Depot, Error, ErrorKind};
use tokio::sync::{Semaphore, watch};

/// Stands for a disk: it outlives the stores that use it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestDepot(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    parcels: HashMap<u64, Bytes>,
    records: BTreeMap<u64, Bytes>,
    seal: Option<Bytes>,
    failing: HashSet<&'static str>,
    panicking: HashSet<&'static str>,
    gates: HashMap<&'static str, (Arc<Semaphore>, watch::Sender<usize>)>,
    calls: HashMap<&'static str, usize>,
}

/// Holds operations until it is dropped.
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    arrived: watch::Receiver<usize>,
}

impl Gate {
    pub(crate) async fn arrived(&mut self) {
        self.arrived.wait_for(|count| *count > 0).await.unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.permits.close();
    }
}

impl TestDepot {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    /// Lets an operation fail from now on, or no longer.
    pub(crate) fn fail(&self, operation: &'static str, fails: bool) {
        let mut disk = self.disk();
        if fails {
            disk.failing.insert(operation);
        } else {
            disk.failing.remove(operation);
        }
    }

    /// Lets an operation panic from now on, or no longer.
    pub(crate) fn panic(&self, operation: &'static str, panics: bool) {
        let mut disk = self.disk();
        if panics {
            disk.panicking.insert(operation);
        } else {
            disk.panicking.remove(operation);
        }
    }

    /// Holds operations before they are applied.
    pub(crate) fn hold(&self, operation: &'static str) -> Gate {
        let (permits, (sender, arrived)) = (Arc::new(Semaphore::new(0)), watch::channel(0));
        self.disk().gates.insert(operation, (Arc::clone(&permits), sender));
        Gate { permits, arrived }
    }

    pub(crate) fn calls(&self, operation: &'static str) -> usize {
        self.disk().calls.get(operation).copied().unwrap_or_default()
    }

    pub(crate) fn parcels(&self) -> usize {
        self.disk().parcels.len()
    }

    /// Spoils every parcel.
    pub(crate) fn damage(&self) {
        self.disk().parcels.values_mut().for_each(|parcel| *parcel = Bytes::from_static(b"\x01\x00"));
    }

    pub(crate) fn everything(&self) -> Vec<u8> {
        let disk = self.disk();
        disk.parcels.values().chain(disk.records.values()).flat_map(|bytes| bytes.to_vec()).collect()
    }

    fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Disk) -> T + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        Box::pin(async move {
            let gate = {
                let mut disk = self.disk();
                *disk.calls.entry(operation).or_default() += 1;
                disk.gates.get(operation).cloned()
            };
            if let Some((permits, arrived)) = gate {
                arrived.send_modify(|count| *count += 1);
                let _ = permits.acquire().await;
            }
            // A real disk does not answer at once either.
            tokio::task::yield_now().await;
            let panics = self.disk().panicking.contains(operation);
            assert!(!panics, "a depot that panics, as it was told to");
            let mut disk = self.disk();
            if disk.failing.contains(operation) {
                return Err(Error::new(ErrorKind::Full, operation, "no space left on device"));
            }
            Ok(work(&mut disk))
        })
    }
}

impl Depot for TestDepot {
    fn sealed(&self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        self.run("sealed", |disk| disk.seal.clone())
    }

    fn left(&self, after: Option<u64>, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, Bytes)>, Error>> {
        self.run("left", move |disk| {
            let from = after.map_or(0, |after| after + 1);
            let page = disk.records.range(from..).take(limit as usize);
            page.map(|(number, record)| (*number, record.clone())).collect()
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.run("begin", |disk| {
            if disk.seal.take().is_none() {
                disk.records.clear();
            }
            let records = std::mem::take(&mut disk.records);
            disk.parcels.retain(|number, _| records.contains_key(number));
        })
    }

    fn put(&self, parcels: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>> {
        self.run("put", |disk| disk.parcels.extend(parcels))
    }

    fn get(&self, parcel: u64) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        self.run("get", move |disk| disk.parcels.get(&parcel).cloned())
    }

    fn remove(&self, parcels: Vec<u64>) -> BoxFuture<'_, Result<(), Error>> {
        self.run("remove", move |disk| {
            for parcel in parcels {
                disk.parcels.remove(&parcel);
            }
        })
    }

    fn leave(&self, records: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>> {
        self.run("leave", |disk| disk.records.extend(records))
    }

    fn seal(&self, note: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        self.run("seal", |disk| disk.seal = Some(note))
    }
}
