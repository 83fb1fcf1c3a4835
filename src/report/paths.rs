//! Paths from a page to the results it shows.

use std::path::{Component, Path};

use crate::location::Location;

/// The path from the folder of the file `page` to the folder `results`, with `/` between names and nothing
/// escaped; empty if they are the same, `None` for an object store or a name that is not UTF-8.
pub(super) fn base(page: &Path, results: &Location) -> Option<String> {
    let results = std::path::absolute(results.as_path()?).ok()?;
    let page = std::path::absolute(page).ok()?;
    let from: Vec<Component<'_>> = real(page.parent()?)?;
    let to: Vec<Component<'_>> = real(&results)?;
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| Some(".."));
    let down = to[common..].iter().map(|name| name.as_os_str().to_str());
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

/// The components of an absolute path; `None` if it goes up again.
fn real(path: &Path) -> Option<Vec<Component<'_>>> {
    let parts: Vec<_> = path.components().collect();
    (!parts.contains(&Component::ParentDir)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_the_page_to_the_results() {
        let path = |page: &str, results: &str| base(Path::new(page), &results.into());
        assert_eq!(path("/a/report.html", "/a/out").as_deref(), Some("out"));
        assert_eq!(path("/a/out/report.html", "/a/out").as_deref(), Some(""));
        assert_eq!(path("/a/b/r.html", "/a/c d/ö").as_deref(), Some("../c d/ö"));
        assert_eq!(path("/r.html", "s3://bucket/results"), None);
    }
}
