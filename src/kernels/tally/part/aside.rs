//! A part on disk, and back.

use std::io::{self, Read, Write};

use super::Part;
use crate::kernels::tally::counts::REACH;

impl Part {
    /// Write all of it.
    ///
    /// # Errors
    /// The writer's.
    pub fn put_aside(&self, sink: &mut impl Write) -> io::Result<()> {
        let long = |sink: &mut dyn Write, n: u64| sink.write_all(&n.to_le_bytes());
        long(sink, self.groups.len() as u64)?;
        for ((key, class, rest), counts) in self.iter() {
            long(sink, key)?;
            long(sink, u64::from(class) | (u64::from(rest) << 8))?;
            long(sink, counts.seconds.to_bits())?;
            for index in 0..REACH {
                long(sink, counts.at(index))?;
            }
        }
        long(sink, self.pairs.len() as u64)?;
        for (group, class, viewer, marks) in self.pairs.iter() {
            long(sink, viewer)?;
            long(sink, u64::from(group) | (u64::from(class) << 32) | (u64::from(marks) << 40))?;
        }
        Ok(())
    }

    /// Add what [`Part::put_aside`] has written.
    ///
    /// # Errors
    /// The reader's.
    pub fn take_back(&mut self, source: &mut impl Read) -> io::Result<()> {
        let mut word = [0; 8];
        let mut long = |source: &mut dyn Read| {
            source.read_exact(&mut word)?;
            io::Result::Ok(u64::from_le_bytes(word))
        };
        let mut numbers = vec![];
        for _ in 0..long(source)? {
            let (key, rest) = (long(source)?, long(source)?);
            let seconds = f64::from_bits(long(source)?);
            let group = self.group(key, rest as u8, (rest >> 8) as u32)?;
            numbers.push(group);
            if let Some(sum) = self.seconds.get_mut(group as usize) {
                *sum += seconds;
            }
            for index in 0..REACH {
                let count = long(source)?;
                self.bump(group, index, count as u32);
                if count >> 32 > 0 {
                    let high = count >> 32 << 32;
                    *self.carried.entry((group, index as u8)).or_default() += high;
                }
            }
        }
        for _ in 0..long(source)? {
            let (viewer, pair) = (long(source)?, long(source)?);
            if let Some(group) = numbers.get(pair as u32 as usize) {
                self.meet(*group, (pair >> 32) as u8, viewer, (pair >> 40) as u32);
            }
        }
        Ok(())
    }
}
