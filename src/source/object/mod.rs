//! Object stores: opened from URLs, tried again when they fail, and as sources of media.

#[cfg(feature = "cloud")]
mod cloud;
mod fault;
#[cfg(test)]
pub(crate) mod flaky;
mod source;
mod steady;
mod stores;
mod transfer;

pub use fault::{Cause, Fault};
pub use source::ObjectSource;
pub use steady::SteadyStore;
pub use stores::{Opened, Store, Stores, is_object_url};
pub use transfer::TransferError;
