//! [`QueryPool`], the memory that the operators of queries share.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

/// Most operators that share memory in strictly equal parts.
const FEW: usize = 32;

/// Largest part of the memory for one of more than [`FEW`] operators.
const MOST: usize = 8;

/// A pool that divides memory equally among operators that can spill, less strictly where they are many.
///
/// DataFusion's `FairSpillPool` reserves equal parts from the start: in a statement with 150 small sorts
/// and aggregates each gets 6 MB of a gigabyte, so that a sort that needs 7 MB fails beside 149 that need
/// nothing. Here each of more than [`FEW`] operators is guaranteed half of its part, and the other halves
/// are given out on demand.
///
/// Operators that cannot spill get memory as long as some is free.
#[derive(Debug)]
pub(super) struct QueryPool {
    bytes: usize,
    state: Mutex<PoolState>,
}

#[derive(Debug, Default)]
struct PoolState {
    /// Number of operators that can spill.
    spillers: usize,
    /// Bytes held by them.
    spillable: usize,
    /// Bytes held by the others.
    fixed: usize,
}

impl QueryPool {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolState {
    fn held(&self) -> usize {
        self.spillable + self.fixed
    }

    /// Whether an operator that can spill and holds `size` may take `additional`, of `bytes` in all.
    fn allows(&self, bytes: usize, size: usize, additional: usize) -> bool {
        let room = bytes.saturating_sub(self.fixed);
        let wanted = size + additional;
        match self.spillers.max(1) {
            few @ ..=FEW => wanted <= room / few,
            many => {
                let is_sure = wanted <= room / 2 / many;
                is_sure || wanted <= room / MOST && self.spillable + additional <= room / 2
            }
        }
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.state().spillers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut state = self.state();
            state.spillers = state.spillers.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut state = self.state();
        match reservation.consumer().can_spill() {
            true => state.spillable += additional,
            false => state.fixed += additional,
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut state = self.state();
        let held = match reservation.consumer().can_spill() {
            true => &mut state.spillable,
            false => &mut state.fixed,
        };
        *held = held.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut state = self.state();
        let can_spill = reservation.consumer().can_spill();
        let free = self.bytes.saturating_sub(state.held());
        let allowed = match can_spill {
            true => state.allows(self.bytes, reservation.size(), additional),
            false => additional <= free,
        };
        if !allowed {
            return Err(resources_datafusion_err!(
                "{} holds {} and needs {} more; {} of {} are free",
                reservation.consumer().name(),
                human_readable_size(reservation.size()),
                human_readable_size(additional),
                human_readable_size(free),
                human_readable_size(self.bytes)
            ));
        }
        match can_spill {
            true => state.spillable += additional,
            false => state.fixed += additional,
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.state().held()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), human_readable_size(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::sync::Arc;

    use super::*;

    fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
        Arc::new(QueryPool::new(bytes))
    }

    fn spillers(pool: &Arc<dyn MemoryPool>, n: usize) -> Vec<MemoryReservation> {
        let spiller = |i| MemoryConsumer::new(format!("sort {i}")).with_can_spill(true);
        (0..n).map(|i| spiller(i).register(pool)).collect()
    }

    #[test]
    fn one_sort_among_many_idle_ones_takes_what_is_free() {
        let pool = pool(1000);
        let sorts = spillers(&pool, 100);
        sorts[0].try_grow(125).unwrap();
        sorts[0].try_grow(1).unwrap_err();
        for sort in &sorts[1..4] {
            sort.try_grow(125).unwrap();
        }
        // The first half is taken; the rest is divided equally.
        for sort in &sorts[4..] {
            sort.try_grow(5).unwrap();
            sort.try_grow(1).unwrap_err();
        }
        assert!(pool.reserved() <= 1000);
    }

    #[test]
    fn each_is_sure_of_its_part_whatever_the_others_take() {
        for n in [1, 2, 32, 33, 40] {
            let pool = pool(10_000);
            let sorts = spillers(&pool, n);
            let fixed = MemoryConsumer::new("join").register(&pool);
            fixed.try_grow(2_000).unwrap();
            for sort in &sorts[1..] {
                while sort.try_grow(13).is_ok() {}
            }
            let part = if n > FEW { 8_000 / 2 / n } else { 8_000 / n };
            sorts[0].try_grow(part).unwrap_or_else(|e| panic!("{n}: {e}"));
            assert!(pool.reserved() <= 10_000, "{n}");
            fixed.try_grow(10_001 - pool.reserved()).unwrap_err();
        }
    }

    #[test]
    fn a_sort_alone_may_take_everything_and_gives_it_back() {
        let pool = pool(1000);
        let sorts = spillers(&pool, 1);
        sorts[0].try_grow(1000).unwrap();
        sorts[0].try_grow(1).unwrap_err();
        sorts[0].free();
        assert_eq!(pool.reserved(), 0);
        drop(sorts);
        spillers(&pool, 1)[0].try_grow(1000).unwrap();
    }
}
