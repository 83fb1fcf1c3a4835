//! The folder `posts`: rendered files under names for people, and a sheet of what to post with each.
//!
//! Media files of a dataset are named by their content. A person who posts them wants names that say
//! what a file is, in one folder, with title, description and hashtags at hand.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use datafusion::prelude::SessionContext;
use serde::Deserialize;

use super::RunConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::query::output::{OutputFormat, write_stream};
use crate::query::results::register_dataset;
use crate::query::{SessionOptions, query_error, session};
use crate::store::{DatasetRoot, cannot_write, new_file};

/// The folder of the files, beneath the results.
pub const POSTS_FOLDER: &str = "posts";
/// The names that files get if no template is given.
pub const DEFAULT_POST_NAME: &str = "{source}_{rank}_{platform}_{size}";
/// The parts that a template may hold.
const PARTS: [&str; 10] = [
    "source", "rank", "variant", "platform", "size", "start", "title", "language", "request",
    "clip",
];
/// The list of the files that the last call made, in the folder.
const LIST_FILE: &str = ".files";
/// Where the template of the names is remembered, in the folder.
const TEMPLATE_FILE: &str = ".name";
/// Longest name without its ending, in characters.
const LONGEST_NAME: usize = 120;

/// What the folder of posts holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posts {
    /// The folder.
    pub folder: PathBuf,
    /// Media files in it.
    pub files: usize,
    /// Of those, copies; the rest are hard links that take no space.
    pub copies: usize,
}

/// A row of the view `posts`, as far as names are made from it.
#[derive(Debug, Deserialize)]
struct Post {
    uri: String,
    platform: String,
    title: Option<String>,
    location: String,
    start: f64,
    language: Option<String>,
    request_id: String,
    clip_id: String,
    clip_rank: i64,
    variant_rank: Option<i64>,
    container: String,
    width: Option<i64>,
    height: Option<i64>,
    captions_uri: Option<String>,
    thumbnail_uri: Option<String>,
}

/// Checks a template of names: `{source}_{rank}_{platform}_{size}`.
///
/// # Errors
/// `config.invalid` for unknown parts, slashes, or no part at all.
pub fn check_post_name(template: &str) -> Result<()> {
    let wrong = |why: String| {
        let known = PARTS.map(|part| format!("{{{part}}}")).join(", ");
        Err(Error::setting("name", format_args!("is {template:?}, {why}; it may hold {known}")))
    };
    if template.contains(['/', '\\', '\0']) {
        return wrong("which holds a slash".to_owned());
    }
    let mut parts = 0;
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((part, after)) = after.split_once('}') else {
            return wrong("where a brace is not closed".to_owned());
        };
        if !PARTS.contains(&part) {
            return wrong(format!("with {{{part}}}, which is not known"));
        }
        parts += 1;
        rest = after;
    }
    if parts == 0 {
        return wrong("which names every file the same".to_owned());
    }
    Ok(())
}

/// Makes the folder `posts` of the results of `config` anew: a hard link (else a copy) of each media file
/// of the dataset under a name made from `template`, captions and still beside it, and the sheets
/// `posts.csv` and `posts.parquet` in posting order. Files that an earlier call made and that no longer
/// belong there are removed; other files of the folder stay. `None` where the results lie in an object
/// store, which has the view `posts` alone.
///
/// # Errors
/// `store.write`, `store.read`, `config.invalid` for a template that cannot be used.
pub async fn write_posts(config: &RunConfig, template: Option<&str>) -> Result<Option<Posts>> {
    let template = template.unwrap_or(DEFAULT_POST_NAME);
    check_post_name(template)?;
    let DatasetRoot::Folder(root) = DatasetRoot::new(&config.out, &config.resilience())? else {
        return Ok(None);
    };
    let dataset = DatasetRoot::Folder(root.clone()).existing().await?;
    let options = SessionOptions { parallel: config.parallel.clone(), ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    register_dataset(&ctx, &dataset).await?;
    let frame = ctx.sql(include_str!("../../sql/posts/ordered.sql")).await.map_err(query_error)?;
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await.map_err(query_error)?;
    let all = concat_batches(&schema, &batches).map_err(|e| query_error(e.into()))?;
    let posts = rows(&all)?;
    let folder = root.join(POSTS_FOLDER);
    fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
    let (mut files, mut made, mut copies) = (vec![], HashSet::new(), 0);
    for (post, name) in posts.iter().zip(names(template, &posts)) {
        let beside = [
            (Some(post.uri.as_str()), post.container.as_str()),
            (post.captions_uri.as_deref(), "srt"),
            (post.thumbnail_uri.as_deref(), "jpg"),
        ];
        for (uri, ending) in beside {
            let Some(uri) = uri else { continue };
            let file = format!("{name}.{ending}");
            copies += usize::from(place(&root.join(uri), &folder.join(&file))?);
            made.insert(file);
        }
        files.push(format!("{name}.{}", post.container));
    }
    write_sheets(&ctx, &folder, all, &files).await?;
    remove_stale(&folder, &made)?;
    let remembered = folder.join(TEMPLATE_FILE);
    fs::write(&remembered, template).map_err(|e| cannot_write(&remembered, e))?;
    Ok(Some(Posts { folder, files: files.len(), copies }))
}

/// Makes the folder `posts` anew with the names that it has, if there is one: after files of the results have
/// gone.
pub(super) async fn refresh(config: &RunConfig) -> Result<()> {
    let Some(out) = config.out.as_path() else { return Ok(()) };
    let folder = out.join(POSTS_FOLDER);
    if !folder.join(LIST_FILE).exists() {
        return Ok(());
    }
    let template = fs::read_to_string(folder.join(TEMPLATE_FILE)).ok();
    let template = template.as_deref().filter(|template| check_post_name(template).is_ok());
    write_posts(config, template).await.map(|_| ())
}

fn rows(batch: &RecordBatch) -> Result<Vec<Post>> {
    serde_arrow::from_record_batch(batch).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the view posts has other columns: {e}"))
    })
}

/// A name for each post, without its ending; equal ones are numbered.
fn names(template: &str, posts: &[Post]) -> Vec<String> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let name = |post: &Post| {
        let size = match (post.width, post.height) {
            (Some(width), Some(height)) => format!("{width}x{height}"),
            _ => "sound".to_owned(),
        };
        let variant = post.variant_rank.unwrap_or(0).to_string();
        let values = [
            source_name(&post.location),
            post.clip_rank.to_string(),
            variant,
            post.platform.clone(),
            size,
            format!("{:.0}s", post.start),
            post.title.clone().unwrap_or_default(),
            post.language.clone().unwrap_or_default(),
            post.request_id.clone(),
            post.clip_id.clone(),
        ];
        let filled = PARTS.iter().zip(values).fold(template.to_owned(), |name, (part, value)| {
            name.replace(&format!("{{{part}}}"), &plain(&value))
        });
        let name: String = filled.chars().take(LONGEST_NAME).collect();
        name.trim_matches(['.', ' ', '_', '-']).to_owned()
    };
    posts
        .iter()
        .map(|post| {
            let name = name(post);
            let count = taken.entry(format!("{name}.{}", post.container)).or_default();
            *count += 1;
            if *count == 1 { name } else { format!("{name}_{count}") }
        })
        .collect()
}

/// The last part of a path or URL without its ending.
fn source_name(location: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or(location);
    let last = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("video");
    match last.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem.to_owned(),
        _ => last.to_owned(),
    }
}

/// `text` with letters, digits, `-` and `.` only, which is safe in every file system.
fn plain(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().chars() {
        let kept = if c.is_alphanumeric() || matches!(c, '-' | '.') { c } else { '-' };
        if kept != '-' || !name.ends_with('-') {
            name.push(kept);
        }
    }
    name.trim_matches('-').chars().take(60).collect()
}

/// Puts `file` at `target`, as a hard link or, where the file system has none, a copy; whether it was
/// copied. A file that is there already with the same length and time stays.
fn place(file: &Path, target: &Path) -> Result<bool> {
    let fault = |e: io::Error| cannot_write(target, e);
    let have = fs::metadata(file).map_err(|e| {
        let message = format!("{} is missing ({e}); run the same requests again", file.display());
        Error::new(ErrorCode::StoreRead, message).with_source(e)
    })?;
    if is_same(&have, target) {
        return Ok(false);
    }
    // Beside the target and then renamed, so that a half-written file never has the name.
    let beside = new_file(target)?.into_temp_path();
    fs::remove_file(&beside).map_err(fault)?;
    let copied = match fs::hard_link(file, &beside) {
        Ok(()) => false,
        Err(_) => fs::copy(file, &beside).map(|_| true).map_err(fault)?,
    };
    beside.persist(target).map_err(|e| fault(e.error))?;
    Ok(copied)
}

fn is_same(have: &fs::Metadata, target: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(target)
        .is_ok_and(|there| there.ino() == have.ino() && there.dev() == have.dev())
}

/// Writes the sheets: the posts in order with the names of their files.
async fn write_sheets(
    ctx: &SessionContext,
    folder: &Path,
    posts: RecordBatch,
    files: &[String],
) -> Result<()> {
    let numbers = Arc::new(Int64Array::from_iter_values(1..=files.len() as i64));
    let files = Arc::new(StringArray::from_iter_values(files));
    let columns: [(&str, ArrayRef); 2] = [("post", numbers), ("file", files)];
    let files = RecordBatch::try_from_iter(columns).map_err(|e| query_error(e.into()))?;
    ctx.register_batch("posts_in_order", posts).map_err(query_error)?;
    ctx.register_batch("post_files", files).map_err(query_error)?;
    for (file, format) in
        [("posts.csv", OutputFormat::Csv), ("posts.parquet", OutputFormat::Parquet)]
    {
        let sheet = include_str!("../../sql/posts/sheet.sql");
        let frame = ctx.sql(sheet).await.map_err(query_error)?;
        let stream = frame.execute_stream().await.map_err(query_error)?;
        let path = folder.join(file);
        let mut sheet = new_file(&path)?;
        write_stream(stream, format, sheet.as_file_mut(), usize::MAX).await?;
        sheet.persist(&path).map_err(|e| cannot_write(&path, e.error))?;
    }
    Ok(())
}

/// Removes what an earlier call made and this one did not, as the list of that call says.
fn remove_stale(folder: &Path, made: &HashSet<String>) -> Result<()> {
    let list = folder.join(LIST_FILE);
    let before = fs::read_to_string(&list).unwrap_or_default();
    for name in before.lines().filter(|name| !made.contains(*name) && !name.contains('/')) {
        match fs::remove_file(folder.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(cannot_write(folder, e)),
            _ => {}
        }
    }
    let mut names: Vec<&str> = made.iter().map(String::as_str).collect();
    names.sort_unstable();
    fs::write(&list, names.join("\n")).map_err(|e| cannot_write(&list, e))
}
