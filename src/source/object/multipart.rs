//! The trait of object stores that take large objects in parts.

use object_store::ObjectStore;
use object_store::multipart::MultipartStore;

/// An object store that supports multipart uploads.
pub trait MultipartObjectStore: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> MultipartObjectStore for T {}
