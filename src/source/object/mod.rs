//! Object stores: opened by URL, with retries, and as sources of media.

#[cfg(feature = "cloud")]
mod cloud;
mod fault;
#[cfg(test)]
pub(crate) mod flaky;
mod multipart;
mod source;
mod steady;
mod stores;
mod transfer;

pub use fault::{StoreFault, StoreFaultCause};
pub use source::ObjectSource;
pub use steady::SteadyStore;
pub use stores::{ObjectStores, OpenedStore, is_object_url};
pub use transfer::TransferError;
