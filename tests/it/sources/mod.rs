//! Sources on web servers that are not what they should be, and YouTube.

mod captions;
mod faults;
mod runs;
mod swapped;
mod tries;
mod youtube;
