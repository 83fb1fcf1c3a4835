//! The backends: one contract that all of them keep, what only worker processes can, and real media.

mod contract;
mod kernels;
mod media;
mod processes;
mod rig;
