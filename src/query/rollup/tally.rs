//! [`SharedTally`], which the partitions of a roll-up fill: its parts, keys and memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_plan::metrics::Count;
use futures::TryStreamExt;

use crate::kernels::tally::{DealBy, Interner, KeyColumn, PARTS, Part, Record, ViewerScope};
use crate::model::event::EventKind;
use crate::query::EventNotes;

/// Names of events of unknown kinds with their numbers. Add it to a session's configuration as an
/// extension and read it after the query.
#[derive(Debug, Default)]
pub struct UnknownEvents(Mutex<BTreeMap<String, u64>>);

/// Most unknown names that are counted separately; further ones are counted together.
const NAMES: usize = 100;

impl UnknownEvents {
    /// The names with the number of events of each.
    pub fn get(&self) -> BTreeMap<String, u64> {
        lock(&self.0).clone()
    }

    pub(super) fn add(&self, name: Option<&str>, events: u64) {
        let mut names = lock(&self.0);
        let name = name.unwrap_or("NULL");
        let name = if names.len() < NAMES || names.contains_key(name) { name } else { "others" };
        *names.entry(name.to_owned()).or_default() += events;
    }
}

/// The roles of the columns of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputColumns {
    pub(super) keys: Vec<usize>,
    pub(super) event: usize,
    pub(super) viewer: Option<usize>,
    pub(super) value: Option<usize>,
    /// Says which rows count; of the others only their kinds are noted.
    pub(super) counted: Option<usize>,
    /// Which distinct viewers the output asks for.
    pub(super) scope: ViewerScope,
}

/// A part of the tally and its spill files.
#[derive(Default)]
pub(super) struct TallyPart {
    pub(super) part: Part,
    aside: Vec<Arc<dyn SpillFile>>,
}

/// A tally in parts, filled by all partitions of a roll-up; the largest parts are spilled under memory pressure.
pub(super) struct SharedTally {
    pub(super) columns: InputColumns,
    pub(super) keys: Vec<KeyColumn>,
    pub(super) viewers: KeyColumn,
    /// Tuples of the codes of all keys but the first.
    pub(super) rest: Interner,
    deal: OnceLock<DealBy>,
    parts: Vec<Mutex<TallyPart>>,
    sizes: Vec<AtomicUsize>,
    /// Bit `k`: an event of kind `k` has occurred.
    seen: AtomicU32,
    reservation: MemoryReservation,
    disk: Arc<DiskManager>,
    spills: Count,
    pub(super) unknown: Option<Arc<UnknownEvents>>,
    pub(super) notes: Option<Arc<EventNotes>>,
}

impl SharedTally {
    pub(super) fn new(
        columns: InputColumns,
        output: &SchemaRef,
        input: &SchemaRef,
        context: &TaskContext,
        spills: Count,
    ) -> Self {
        let data_type = |i: usize| input.field(i).data_type().clone();
        let consumer = MemoryConsumer::new("RollupExec").with_can_spill(true);
        let keys = output.fields().iter().take(columns.keys.len());
        let viewer = columns.viewer.map_or(arrow::datatypes::DataType::Utf8, data_type);
        Self {
            keys: keys.map(|field| KeyColumn::new(field.data_type().clone())).collect(),
            viewers: KeyColumn::of_viewers(viewer),
            rest: Interner::default(),
            deal: OnceLock::new(),
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            sizes: (0..PARTS).map(|_| AtomicUsize::new(0)).collect(),
            seen: AtomicU32::new(0),
            reservation: consumer.register(context.memory_pool()),
            disk: Arc::clone(&context.runtime_env().disk_manager),
            spills,
            unknown: context.session_config().get_extension(),
            notes: context.session_config().get_extension(),
            columns,
        }
    }

    /// How rows are dealt; the first caller decides.
    pub(super) fn deal_by(&self, decide: impl FnOnce() -> DealBy) -> DealBy {
        *self.deal.get_or_init(decide)
    }

    /// How rows were dealt.
    pub(super) fn dealt_by(&self) -> DealBy {
        self.deal.get().copied().unwrap_or(DealBy::Group)
    }

    pub(super) fn note_kinds(&self, kinds: u32) {
        self.seen.fetch_or(kinds, Ordering::Relaxed);
    }

    /// Whether an event of that kind has occurred in any partition.
    pub(super) fn has_seen(&self, kind: EventKind) -> bool {
        self.seen.load(Ordering::Relaxed) & (1 << kind as u32) != 0
    }

    /// Add records to a part.
    pub(super) fn add(&self, index: usize, records: &[Record], seconds: &[f64]) -> Result<()> {
        let (Some(mutex), Some(size)) = (self.parts.get(index), self.sizes.get(index)) else {
            return Ok(());
        };
        {
            let mut slot = lock(mutex);
            slot.part.add(records, seconds, self.columns.scope)?;
            size.store(slot.part.size(), Ordering::Relaxed);
        }
        self.keep_to_the_limit()
    }

    /// Spill the largest parts until the rest fits into the available memory.
    fn keep_to_the_limit(&self) -> Result<()> {
        loop {
            let parts: usize = self.sizes.iter().map(|s| s.load(Ordering::Relaxed)).sum();
            let texts: usize = self.keys.iter().map(KeyColumn::size).sum();
            let all = parts + texts + self.viewers.size() + self.rest.size();
            // In large steps, because all operators share the pool.
            let wanted = all.next_multiple_of(STEP);
            if wanted <= self.reservation.size() {
                return Ok(());
            }
            let Err(full) = self.reservation.try_grow(wanted - self.reservation.size()) else {
                return Ok(());
            };
            let sizes = self.sizes.iter().map(|s| s.load(Ordering::Relaxed)).enumerate();
            match sizes.max_by_key(|(_, size)| *size) {
                Some((largest, size)) if size > SMALLEST_SPILL => self.put_aside(largest)?,
                _ => return Err(full),
            }
        }
    }

    fn put_aside(&self, index: usize) -> Result<()> {
        let (Some(mutex), Some(size)) = (self.parts.get(index), self.sizes.get(index)) else {
            return Ok(());
        };
        let mut slot = lock(mutex);
        let part = std::mem::take(&mut slot.part);
        size.store(0, Ordering::Relaxed);
        if part.is_empty() {
            return Ok(());
        }
        let file = self.disk.create_tmp_file("rollup_events")?;
        let mut writer = std::io::BufWriter::with_capacity(1 << 18, file.open_writer()?);
        part.put_aside(&mut writer)?;
        writer.flush()?;
        writer.get_mut().finish()?;
        self.spills.add(1);
        slot.aside.push(file);
        Ok(())
    }

    /// Removes a part and merges its spill files into it.
    pub(super) async fn take(&self, index: usize) -> Result<Part> {
        let slot = self.parts.get(index).map(|m| std::mem::take(&mut *lock(m)));
        if let Some(size) = self.sizes.get(index) {
            // The memory of the part belongs to the reader of its rows from here on.
            let size = size.swap(0, Ordering::Relaxed);
            self.reservation.shrink(size.min(self.reservation.size()));
        }
        let TallyPart { mut part, aside } = slot.unwrap_or_default();
        for file in aside {
            let mut bytes = vec![];
            let mut chunks = file.read_stream()?;
            while let Some(chunk) = chunks.try_next().await? {
                bytes.extend_from_slice(&chunk);
            }
            part.take_back(&mut bytes.as_slice()).map_err(DataFusionError::from)?;
        }
        Ok(part)
    }
}

/// Bytes by which the reservation grows.
const STEP: usize = 1 << 20;
/// A smaller part is not worth a spill file.
const SMALLEST_SPILL: usize = 1 << 12;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
