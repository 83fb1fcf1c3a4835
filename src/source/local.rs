//! Local files in allowed folders.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;

use super::{LocalCopy, Source};
use crate::error::{Error, ErrorCode, Result};
use crate::location::scheme;
use crate::sandbox::{self, PinnedFile};

/// Local files beneath a set of roots. A symbolic link may lead to any root, but not out of all of them.
#[derive(Debug)]
pub struct LocalFiles {
    /// The roots as given, absolute.
    named: Vec<PathBuf>,
    /// The roots with links resolved.
    real: Vec<PathBuf>,
}

impl LocalFiles {
    /// Files beneath `roots`; a root that does not exist allows nothing.
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let named: Vec<_> = roots.into_iter().filter_map(|r| std::path::absolute(r).ok()).collect();
        let real = named.iter().filter_map(|r| fs::canonicalize(r).ok()).collect();
        Self { named, real }
    }

    /// The resolved path and its metadata, if it may be read.
    fn check(&self, location: &str) -> Result<(PathBuf, fs::Metadata)> {
        let path = Path::new(location);
        // A path outside is not examined: the request must not learn whether it exists.
        if !self.named.iter().chain(&self.real).any(|root| path.starts_with(root)) {
            let folder = path.parent().unwrap_or(path).display();
            let message = format!(
                "{location} lies outside the folders that sources may be read from; move it beside the request file or add {folder} to allow_roots"
            );
            return Err(Error::new(ErrorCode::SourceForbidden, message).about("allow_roots"));
        }
        let real = fs::canonicalize(path).map_err(|e| cannot_open(location, e))?;
        if !self.real.iter().any(|root| real.starts_with(root)) {
            let message = format!(
                "{location} is a link to a file outside the folders that sources may be read from; copy the file, or add the folder of its target to allow_roots"
            );
            return Err(Error::new(ErrorCode::SourceForbidden, message).about("allow_roots"));
        }
        let metadata = fs::metadata(&real).map_err(|e| cannot_open(location, e))?;
        if metadata.is_dir() {
            return Err(Error::new(
                ErrorCode::SourceUnsupported,
                format!("{location} is a directory; name the video file in it"),
            ));
        }
        if !metadata.is_file() {
            return Err(Error::new(
                ErrorCode::SourceUnsupported,
                format!("{location} is not a regular file; name a video file"),
            ));
        }
        Ok((real, metadata))
    }
}

#[async_trait]
impl Source for LocalFiles {
    fn serves(&self, location: &str) -> bool {
        scheme(location).is_none()
    }

    async fn validator(&self, location: &str) -> Result<Option<String>> {
        Ok(Some(validator(&self.check(location)?.1)))
    }

    async fn open(&self, location: &str) -> Result<LocalCopy> {
        let (path, _) = self.check(location)?;
        // What counts from here on is the file that is open: its name may lead to another by the next moment.
        let opened = |e| cannot_open(location, e);
        let file = fs::File::open(&path).map_err(opened)?;
        let metadata = file.metadata().map_err(opened)?;
        let pinned = PinnedFile::of(&file, &path).map_err(opened)?;
        if !metadata.is_file() || !self.real.iter().any(|root| pinned.path.starts_with(root)) {
            return Err(sandbox::replaced());
        }
        if metadata.len() == 0 {
            return Err(Error::new(
                ErrorCode::SourceTruncated,
                format!("{location} is empty; copy the file again"),
            ));
        }
        Ok(LocalCopy::pinned(pinned, validator(&metadata)))
    }
}

fn validator(metadata: &fs::Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", metadata.len(), modified.map_or(0, |d| d.as_nanos()))
}

fn cannot_open(location: &str, error: std::io::Error) -> Error {
    let (code, sentence) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            let hint = match web_address(Path::new(location)) {
                Some(address) => format!("write https://{address} if a web address is meant"),
                None => "check the path".to_owned(),
            };
            (ErrorCode::SourceNotFound, format!("there is no file {location}; {hint}"))
        }
        ErrorKind::PermissionDenied => (
            ErrorCode::SourceForbidden,
            format!("{location} may not be read; change its permissions"),
        ),
        _ => (
            ErrorCode::SourceUnreachable,
            format!("{location} cannot be opened ({error}); check the disk it is on"),
        ),
    };
    Error::new(code, sentence).with_source(error)
}

/// The part of a missing path that looks like a web address without its scheme: its first missing folder
/// has the form of a host name.
fn web_address(path: &Path) -> Option<String> {
    let missing = path.ancestors().take_while(|p| !p.exists()).last()?;
    let host = missing.file_name()?.to_str()?;
    let (name, domain) = host.rsplit_once('.')?;
    let is_host = !name.is_empty()
        && missing != path
        && domain.len() >= 2
        && domain.bytes().all(|b| b.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let address = path.strip_prefix(missing.parent()?).ok()?;
    is_host.then(|| address.display().to_string())
}

/// The folder of a file, for use as a root.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_web_address_without_its_scheme_is_told_from_a_missing_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("example.com")).unwrap();
        let address = |name: &str| web_address(&folder.path().join(name));
        let wanted = "youtube.com/watch?v=abc";
        assert_eq!(address(wanted).as_deref(), Some(wanted));
        for name in ["a.mp4", "talks/a.mp4", "talk.2/a.mp4", "example.com/a.mp4", ".cache/a.mp4"] {
            assert_eq!(address(name), None, "{name}");
        }
    }
}
