//! Where an agent may read and write: the roots of the server, narrowed by those of its client.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use url::Url;

use crate::error::{Error, ErrorCode, Result};
use crate::location::{Location, resolve, scheme};

/// The places that paths and URLs of tools may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AllowedRoots {
    /// Folders, absolute, with links resolved; relative paths start from the first.
    folders: Vec<PathBuf>,
    /// Buckets and prefixes of object stores.
    buckets: Vec<Url>,
}

impl AllowedRoots {
    /// The roots `named` with `--root`, narrowed by those of the client; without either, the current folder.
    ///
    /// # Errors
    /// `config.invalid` if nothing is left.
    pub(super) fn new(named: &[Location], client: &[PathBuf]) -> Result<Self> {
        let here = [Location::from(".")];
        let named = if named.is_empty() && client.is_empty() { &here[..] } else { named };
        let folders = named.iter().filter_map(Location::as_path);
        let folders: Vec<PathBuf> = folders.filter_map(|root| root.canonicalize().ok()).collect();
        let client: Vec<PathBuf> =
            client.iter().filter_map(|root| root.canonicalize().ok()).collect();
        let buckets = named.iter().filter_map(|root| root.as_url().cloned()).collect();
        let folders = match (named.is_empty(), client.is_empty()) {
            (true, _) => client,
            (false, true) => folders,
            (false, false) => both(&folders, &client),
        };
        let roots = Self { folders, buckets };
        if roots.folders == [Path::new("/")] && named == here {
            return Err(Error::new(
                ErrorCode::ConfigInvalid,
                "the current folder is /, which is no root to work in; start clipflow mcp with --root DIR",
            ));
        }
        if roots.folders.is_empty() && roots.buckets.is_empty() {
            let asked: Vec<String> = named.iter().map(ToString::to_string).collect();
            let message = format!(
                "no folder is left that exists and that both --root ({}) and the roots of the client allow; start clipflow mcp with --root DIR",
                asked.join(", ")
            );
            return Err(Error::new(ErrorCode::ConfigInvalid, message));
        }
        Ok(roots)
    }

    /// The folder that relative paths start from.
    ///
    /// # Errors
    /// `config.invalid` if only buckets are allowed.
    pub(super) fn base(&self) -> Result<&Path> {
        self.folders.first().map(PathBuf::as_path).ok_or_else(|| {
            let message = "only buckets are allowed here; start clipflow mcp with --root DIR too";
            Error::new(ErrorCode::ConfigInvalid, message)
        })
    }

    /// The roots as locations, for the readers of sources.
    pub(super) fn locations(&self) -> Vec<Location> {
        let buckets = self.buckets.iter().cloned().map(Location::Url);
        self.folders.iter().cloned().map(Location::Path).chain(buckets).collect()
    }

    /// The folders.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The place that `text` names, if it lies beneath a root: a path with links resolved, which need not exist, or a
    /// URL.
    ///
    /// # Errors
    /// `source.forbidden`.
    pub(super) fn allowed(&self, text: &str) -> Result<Location> {
        if scheme(text).is_some() && !text.to_ascii_lowercase().starts_with("file:") {
            let url = Url::parse(text).ok().filter(|url| self.is_in_bucket(url));
            return url.map(Location::Url).ok_or_else(|| self.outside(text));
        }
        // What lies outside by its name is not examined: a tool must not tell whether it exists.
        let path = PathBuf::from(resolve(text, self.base()?));
        if !self.is_in_folder(&path) && !path.canonicalize().is_ok_and(|p| self.is_in_folder(&p)) {
            return Err(self.outside(text));
        }
        let real = real(&path).filter(|real| self.is_in_folder(real));
        real.map(Location::Path).ok_or_else(|| self.outside(text))
    }

    /// As [`AllowedRoots::allowed`] for what a run reads requests from or writes results to: of an object store its whole
    /// bucket must be allowed, since sources may lie anywhere in it.
    ///
    /// # Errors
    /// `source.forbidden`.
    pub(super) fn allowed_with_bucket(&self, text: &str) -> Result<Location> {
        let place = self.allowed(text)?;
        if let Some(url) = place.as_url() {
            let mut bucket = url.clone();
            bucket.set_path("");
            self.allowed(bucket.as_str())?;
        }
        Ok(place)
    }

    fn is_in_folder(&self, path: &Path) -> bool {
        self.folders.iter().any(|root| path.starts_with(root))
    }

    fn is_in_bucket(&self, url: &Url) -> bool {
        self.buckets.iter().any(|root| {
            let beneath = root.path().trim_end_matches('/');
            let rest = url.path().strip_prefix(beneath);
            // A percent sign may hide a slash or a dot.
            let is_plain = !url.path().contains('%') || root.path() == "/" || beneath.is_empty();
            root.scheme() == url.scheme()
                && root.host_str() == url.host_str()
                && root.username() == url.username()
                && is_plain
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn outside(&self, text: &str) -> Error {
        let roots: Vec<String> = self.locations().iter().map(ToString::to_string).collect();
        let message = format!(
            "{text} lies outside what this server may use; name a path beneath {}, or start clipflow mcp with another --root",
            roots.join(" or ")
        );
        Error::new(ErrorCode::SourceForbidden, message)
    }
}

/// The folders that lie beneath one of both lists.
fn both(one: &[PathBuf], other: &[PathBuf]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = vec![];
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
        let inner = match (a.starts_with(b), b.starts_with(a)) {
            (true, _) => a,
            (_, true) => b,
            _ => continue,
        };
        if !found.contains(inner) {
            found.push(inner.clone());
        }
    }
    found
}

/// The path with the links of its existing part resolved; `None` for one that ends in a link to nothing, or whose
/// folders cannot be looked at.
fn real(path: &Path) -> Option<PathBuf> {
    let mut missing = vec![];
    let mut there = path;
    loop {
        match there.canonicalize() {
            Ok(real) => return Some(missing.iter().rev().fold(real, |path, part| path.join(part))),
            Err(e) if e.kind() == ErrorKind::NotFound && !there.is_symlink() => {
                missing.push(there.file_name()?);
                there = there.parent()?;
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_allowed_beneath_a_root_whatever_its_links_are() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in ["in/deep", "out", "in-not"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        symlink(folder.join("out"), folder.join("in/link")).unwrap();
        symlink(folder.join("in/deep"), folder.join("out/back")).unwrap();
        symlink(folder.join("nothing"), folder.join("in/dangling")).unwrap();
        let roots = AllowedRoots::new(&[folder.join("in").into()], &[]).unwrap();
        let root = folder.join("in");
        let at = |text: &str| roots.allowed(text).map(|l| l.as_path().unwrap().to_path_buf());
        assert_eq!(at("a.csv").unwrap(), root.join("a.csv"));
        assert_eq!(at("new/results").unwrap(), root.join("new/results"));
        assert_eq!(at(root.to_str().unwrap()).unwrap(), root);
        let back = folder.join("out/back/x.csv");
        assert_eq!(at("deep/../a").unwrap(), root.join("a"));
        let outside = [
            "..",
            "../out/a.csv",
            "link/a.csv",
            "link",
            "dangling",
            "dangling/a",
            "/etc/passwd",
            "file:///etc/passwd",
            "../in-not/a",
            "https://example.com/a.csv",
            "s3://bucket/a.csv",
            back.to_str().unwrap(),
        ];
        for text in outside {
            let error = at(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceForbidden, "{text}");
            assert!(error.message().contains("--root"), "{error}");
        }
    }

    #[test]
    fn the_roots_of_a_client_narrow_those_of_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in ["a/b", "c"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let path = |name: &str| folder.join(name);
        let of = |named: &[&str], client: &[&str]| {
            let named: Vec<Location> = named.iter().map(|name| path(name).into()).collect();
            let client: Vec<PathBuf> = client.iter().map(|name| path(name)).collect();
            AllowedRoots::new(&named, &client).map(|roots| roots.folders)
        };
        assert_eq!(of(&["a"], &["a/b"]).unwrap(), [path("a/b")]);
        assert_eq!(of(&["a/b"], &["a", "c"]).unwrap(), [path("a/b")]);
        assert_eq!(of(&[], &["c"]).unwrap(), [path("c")]);
        assert_eq!(of(&["a"], &[]).unwrap(), [path("a")]);
        assert_eq!(of(&["a"], &["c"]).unwrap_err().code(), ErrorCode::ConfigInvalid);
        assert_eq!(of(&["no"], &[]).unwrap_err().code(), ErrorCode::ConfigInvalid);
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(AllowedRoots::new(&[], &[]).unwrap().folders, [here]);
    }

    #[test]
    fn a_bucket_or_prefix_allows_what_is_beneath_it() {
        let roots = AllowedRoots::new(&["s3://videos/2026".into()], &[]).unwrap();
        for text in ["s3://videos/2026", "s3://videos/2026/a.csv", "S3://videos/2026/x/../a"] {
            assert!(roots.allowed(text).is_ok(), "{text}");
        }
        for text in [
            "s3://videos/2025/a.csv",
            "s3://videos/2026x/a.csv",
            "s3://videos/2026/../2025/a",
            "s3://videos/2026/%2e%2e/2025/a",
            "s3://videos/2026%2f..%2f2025/a",
            "s3://other/2026/a.csv",
            "gs://videos/2026/a.csv",
        ] {
            assert!(roots.allowed(text).is_err(), "{text}");
        }
        assert!(roots.base().is_err());
        assert!(roots.allowed_with_bucket("s3://videos/2026/out").is_err());
        let whole = AllowedRoots::new(&["s3://videos".into()], &[]).unwrap();
        assert!(whole.allowed_with_bucket("s3://videos/2026/out").is_ok());
        assert!(whole.allowed("s3://videos/what%20now.csv").is_ok());
    }
}
