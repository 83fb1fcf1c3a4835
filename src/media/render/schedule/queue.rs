//! The queue of passes of one source that wait for a slot.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::plan::MemoryNeeds;
use super::slots::{FreeCapacity, SlotChoice};

/// The waiting passes, each a list of outputs, and their memory needs.
pub(crate) struct PassQueue {
    passes: Mutex<VecDeque<Vec<usize>>>,
    needs: MemoryNeeds,
}

impl PassQueue {
    pub(crate) fn new(passes: impl IntoIterator<Item = Vec<usize>>, needs: MemoryNeeds) -> Self {
        Self { passes: Mutex::new(passes.into_iter().collect()), needs }
    }

    /// Removes and returns all waiting passes.
    pub(crate) fn rest(&self) -> VecDeque<Vec<usize>> {
        std::mem::take(&mut *self.passes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Chooses the next pass for the free capacity, in source order.
    ///
    /// The first that fits is taken whole. If none fits, or if a core would stay idle, a pass is
    /// divided: that costs one more decode of its clips, and the files are the same.
    pub(crate) fn next(&self, free: FreeCapacity) -> SlotChoice<Vec<usize>> {
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        if passes.is_empty() {
            return SlotChoice::Nothing;
        }
        let fits = |pass: &[usize]| self.needs.of(pass) <= free.bytes;
        let found = passes.iter().position(|pass| fits(pass));
        let Some(mut pass) = passes.remove(found.unwrap_or(0)) else { return SlotChoice::Nothing };
        let idle = (free.passes > 1 && passes.is_empty()).then_some(2);
        let parts = idle.unwrap_or(1).min(pass.len());
        let size = (parts..=pass.len()).map(|parts| pass.len().div_ceil(parts));
        // The fewest equal parts of which one fits.
        let size = size.into_iter().find(|size| fits(&pass[..*size]));
        let size = match size {
            Some(size) => size,
            None if free.alone => 1,
            None => {
                passes.push_front(pass);
                return SlotChoice::Wait;
            }
        };
        let rest = pass.split_off(size);
        if !rest.is_empty() {
            passes.push_front(rest);
        }
        let bytes = self.needs.of(&pass);
        SlotChoice::Take(pass, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: FreeCapacity = FreeCapacity { bytes: 100, passes: 1, alone: true };

    fn queue(passes: &[&[usize]]) -> PassQueue {
        let needs = MemoryNeeds { base: 10, each: vec![20; 20] };
        PassQueue::new(passes.iter().map(|pass| pass.to_vec()), needs)
    }

    #[test]
    fn passes_that_fit_are_taken_whole_and_in_order() {
        let queue = queue(&[&[0, 1], &[2]]);
        assert_eq!(queue.next(ONE), SlotChoice::Take(vec![0, 1], 50));
        assert_eq!(queue.next(ONE), SlotChoice::Take(vec![2], 30));
        assert_eq!(queue.next(ONE), SlotChoice::Nothing);
    }

    #[test]
    fn one_that_does_not_fit_lets_others_by_or_is_divided_evenly() {
        let queue = queue(&[&[0, 1, 2, 3], &[4]]);
        let little = FreeCapacity { bytes: 60, alone: false, ..ONE };
        assert_eq!(queue.next(little), SlotChoice::Take(vec![4], 30));
        assert_eq!(queue.next(little), SlotChoice::Take(vec![0, 1], 50));
        assert_eq!(queue.next(FreeCapacity { bytes: 29, ..little }), SlotChoice::Wait);
        assert_eq!(queue.next(FreeCapacity { bytes: 29, ..ONE }), SlotChoice::Take(vec![2], 30));
        assert_eq!(queue.next(ONE), SlotChoice::Take(vec![3], 30));
    }

    #[test]
    fn the_last_pass_is_shared_by_idle_cores() {
        let queue = queue(&[&[0, 1, 2]]);
        assert_eq!(queue.next(FreeCapacity { passes: 2, ..ONE }), SlotChoice::Take(vec![0, 1], 50));
        assert_eq!(queue.next(FreeCapacity { alone: false, ..ONE }), SlotChoice::Take(vec![2], 30));
    }
}
