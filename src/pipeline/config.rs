//! What a run needs to know.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use serde_json::json;

use super::monitor::Monitor;
use super::repeat;
use super::{Engine, MaxFailures, Requests, VariantSettings};
use crate::cache::{CacheKeyFn, CacheStore};
use crate::cancel::CancelToken;
use crate::config::{DynamicRange, ParallelConfig};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend;
use crate::exec::{MediaRuntime, MediaRuntimeConfig, Work, WorkSpec};
use crate::kernels::ids::stable_id;
use crate::kernels::select::Weights;
use crate::kernels::text::TextModel;
use crate::kernels::validate::MAX_CLIPS;
use crate::location::Location;
use crate::media::{
    AnalyzeSettings, Encoding, FaceSettings, Hardware, MediaTools, RenderSettings,
    TranscribeSettings,
};
use crate::model::edit::{CaptionMode, EDIT_VERSION};
use crate::model::request;
use crate::query::SessionOptions;
use crate::resilience::{Hosts, Resilience};
use crate::source::Sources;
use crate::store::DatasetRoot;
use crate::telemetry::{Observer, Silent};
use crate::text_model::text_model_of_process;

/// A run: from `requests` to `out`.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// The requests: a file or folder, here or in an object store, or rows in memory, or a table.
    pub requests: Requests,
    /// Where relative sources start from; `None`: the folder of the request file, for rows the current
    /// folder.
    pub base: Option<Location>,
    /// The results dataset: a folder, or a prefix of an object store.
    pub out: Location,
    /// Folders, buckets and prefixes that sources may lie in, beside the request file's own folder or
    /// bucket and the bucket of the results.
    pub allow_roots: Vec<Location>,
    /// Clips a request gets if it does not say, and the most that any request gets. `None`: 3, and
    /// what the request says.
    pub max_clips: Option<i64>,
    /// How the batch is spread, limited and repeated.
    pub parallel: ParallelConfig,
    /// Where analyses are kept if `parallel.enable_caching`; `None`: where `parallel.cache_dir` says.
    pub cache: Option<CacheStore>,
    /// What tells sources apart in the cache; `None`: location and validator.
    pub cache_key: Option<CacheKeyFn>,
    /// How sources are analysed.
    pub analyze: AnalyzeSettings,
    /// What makes a window worth choosing; `None`: the default weights.
    pub weights: Option<Weights>,
    /// How clips are rendered.
    pub render: RenderSettings,
    /// Relations over media by name, see [`SessionOptions::media_relations`]: work of your own in place of
    /// `analyze_media`, `select_media` or `render_media`. Its columns are those of the built-in work.
    pub media_relations: BTreeMap<String, WorkSpec>,
    /// ffmpeg and ffprobe; `None`: those that [`MediaTools::find`] finds.
    pub tools: Option<MediaTools>,
    /// The versions made of each clip.
    pub variants: VariantSettings,
    /// The language model that writes the texts of variants; `None`: that of `parallel.text_model_url`. If
    /// that is empty, texts are derived from the captions.
    pub text_model: Option<Arc<dyn TextModel>>,
    /// Write the tables, with every clip and variant, and render nothing.
    pub plan_only: bool,
    /// Remove requests that left the request file since an earlier run; see [`forget`](super::forget()).
    pub prune: bool,
    /// Do only requests that are new or that ended in one of these error codes or groups of them (`media`); empty:
    /// in any. Others stay as earlier runs left them.
    pub retry_failed: Option<Vec<String>>,
    /// Do only requests that are new or whose source changed, or may have where that takes a fetch to know.
    pub refresh: bool,
    /// Stop once more requests failed; nothing becomes visible then. `None`: go on however many fail.
    pub max_failures: Option<MaxFailures>,
    /// Keep the plans of the run's statements with what their operators did; see [`RunSummary::plans`](super::RunSummary::plans).
    pub explain_analyze: bool,
    /// Who is told about progress.
    pub observer: Arc<dyn Observer>,
    /// Ends the run from outside: drained, it begins no more rows, finishes those under way and ends
    /// with `cancelled` (or done, if none were left); cancelled, it ends them. Nothing is visible
    /// then, and what was finished is found again by the next run.
    pub stop: CancelToken,
    /// What this run shares with others; `None`: nothing.
    pub engine: Option<Arc<Engine>>,
}

impl RunConfig {
    /// A run with every default.
    pub fn new(requests: impl Into<Requests>, out: impl Into<Location>) -> Self {
        Self {
            requests: requests.into(),
            base: None,
            out: out.into(),
            allow_roots: vec![],
            max_clips: None,
            parallel: ParallelConfig::default(),
            cache: None,
            cache_key: None,
            analyze: AnalyzeSettings::default(),
            weights: None,
            render: RenderSettings::default(),
            media_relations: BTreeMap::new(),
            tools: None,
            variants: VariantSettings::default(),
            text_model: None,
            plan_only: false,
            prune: false,
            retry_failed: None,
            refresh: false,
            max_failures: None,
            explain_analyze: false,
            observer: Arc::new(Silent),
            stop: CancelToken::new(),
            engine: None,
        }
    }

    /// Check what can be checked before work starts.
    ///
    /// # Errors
    /// `config.invalid`.
    pub fn check(&self) -> Result<()> {
        self.parallel.check()?;
        Monitor::check(&self.parallel)?;
        self.variants.check()?;
        RenderSettings { encoding: self.encoding(self.range()), ..self.render.clone() }.check()?;
        if let Some(transcription) = self.transcription()? {
            transcription.transcriber()?;
        }
        self.faces()?;
        repeat::expanded(self.retry_failed.as_deref().unwrap_or_default())?;
        let format = self.render.encoding.format;
        if self.variants.captions == Some(CaptionMode::Soft) && !format.has_text_track() {
            let message = format!(
                "{format} has no text track; set captions to burned or sidecar, or format to mp4 or webm"
            );
            return Err(Error::new(ErrorCode::ConfigInvalid, message)
                .about("captions")
                .about("format"));
        }
        if self.range() == DynamicRange::Keep && self.variants.count > 0 {
            let names = match self.variants.platforms.as_slice() {
                [] => "their platforms".to_owned(),
                platforms => platforms.join(" and "),
            };
            let message = format!(
                "variants for {names} are made for players of standard range; set variants to 0 to keep HDR in plain clips, or hdr to sdr"
            );
            return Err(Error::new(ErrorCode::ConfigInvalid, message)
                .about("hdr")
                .about("variants"));
        }
        match self.max_clips {
            Some(n) if !(1..=MAX_CLIPS).contains(&n) => Err(Error::setting(
                "max_clips",
                format!("is {n}; give a number from 1 to {MAX_CLIPS}"),
            )),
            _ => Ok(()),
        }
    }

    /// What becomes of high dynamic range where a request does not say: kept if one of the two places says so.
    fn range(&self) -> DynamicRange {
        match self.parallel.hdr {
            DynamicRange::Sdr => self.render.encoding.hdr,
            DynamicRange::Keep => DynamicRange::Keep,
        }
    }

    fn encoding(&self, hdr: DynamicRange) -> Encoding {
        Encoding { hdr, ..self.render.encoding }
    }

    /// Why a request cannot have its high dynamic range kept, as a sentence; `None` if it can. Variants of it are of
    /// standard range.
    fn keep_error(&self) -> Option<String> {
        if self.variants.count > 0 && !self.variants.plain_clips {
            let sentence = "hdr is keep, which is for plain clips, and this run makes variants only; set hdr to sdr, or make plain clips too";
            return Some(sentence.to_owned());
        }
        let fault = self.encoding(DynamicRange::Keep).check().err()?;
        Some(format!("hdr is keep, but {}", fault.message()))
    }

    /// Whether the run leaves some rows of its requests as earlier runs left them.
    pub(super) fn is_repeat(&self) -> bool {
        self.retry_failed.is_some() || self.refresh
    }

    /// The run with its encoder decided, where the hardware is asked.
    ///
    /// # Errors
    /// `config.invalid` if the hardware that is named does not encode here.
    pub(super) async fn decided(&self, tools: &MediaTools) -> Result<Self> {
        let mut config = self.clone();
        config.render.encoding = self.encoding(self.range());
        let encoding = config.render.encoding;
        if encoding.hardware != Hardware::Off && !config.plan_only {
            let (tools, limits) = (tools.clone(), config.render.limits.clone());
            let stop = config.stop.clone();
            let trial = move || encoding.decided(&tools, &limits, &stop);
            config.render.encoding = tokio::task::spawn_blocking(trial).await.map_err(|e| {
                Error::new(ErrorCode::Internal, format!("the encoder's trial broke off: {e}"))
            })??;
        }
        Ok(config)
    }

    /// The run with the language model that the settings name, if it brings none.
    ///
    /// # Errors
    /// `config.invalid` if the settings name one that cannot be asked.
    pub(super) fn with_text_model(mut self) -> Result<Self> {
        if self.text_model.is_none() && self.variants.count > 0 {
            self.text_model = text_model_of_process(&self.parallel, &self.resilience())?;
        }
        Ok(self)
    }

    /// Where relative sources start from, absolute.
    pub fn base(&self) -> Location {
        self.base.clone().unwrap_or_else(|| self.requests.base()).absolute()
    }

    pub(super) fn session_options(&self) -> SessionOptions {
        SessionOptions {
            parallel: self.parallel.clone(),
            base: self.base(),
            analyze: self.analyze.clone(),
            render: self.render.clone(),
            media_relations: self.media_relations.clone(),
            models: self.variants.models.clone(),
            weights: self.weights,
            ..SessionOptions::default()
        }
    }

    /// How faults of hosts and object stores are dealt with. Sources and results have one each.
    pub(super) fn resilience(&self) -> Resilience {
        Resilience::new(&self.parallel)
    }

    pub(super) fn place(&self, resilience: &Resilience) -> Result<DatasetRoot> {
        DatasetRoot::new(&self.out, resilience)
    }

    /// Folder for work in progress that does not lie with the results.
    pub(super) fn work_dir(&self) -> PathBuf {
        match self.parallel.spool_dir.as_str() {
            "" => std::env::temp_dir(),
            dir => PathBuf::from(dir),
        }
    }

    pub(super) fn sources(&self, hosts: &Hosts) -> Sources {
        let roots = std::iter::once(self.base()).chain(self.allow_roots.iter().cloned());
        // Sources may lie anywhere in the bucket of the results.
        let out = self.out.as_url().map(|url| {
            let mut bucket = url.clone();
            bucket.set_path("");
            Location::Url(bucket)
        });
        Sources::standard(roots.chain(out), &self.parallel, hosts)
    }

    pub(super) fn runtime(
        &self,
        tools: MediaTools,
        media_dir: PathBuf,
        resilience: Resilience,
    ) -> Result<MediaRuntime> {
        Ok(MediaRuntime::new(MediaRuntimeConfig {
            tools,
            sources: self.sources(&resilience.hosts),
            media_dir,
            backend: backend::build(&self.parallel.on_this_machine())?,
            resilience,
            observer: Arc::clone(&self.observer),
        }))
    }

    /// ffmpeg and ffprobe.
    ///
    /// # Errors
    /// `setup.missing_program`.
    pub(super) fn media_tools(&self) -> Result<MediaTools> {
        let tools = self.tools.clone().map_or_else(MediaTools::find, Ok)?;
        let (sandbox, memory_bytes) = (self.parallel.sandbox, self.parallel.media_memory_bytes());
        Ok(MediaTools { sandbox, memory_bytes, ..tools })
    }

    /// What `analyze_media` does.
    ///
    /// # Errors
    /// `config.invalid` if it is work that is not registered.
    pub(super) fn analysis_work(&self) -> Result<Arc<dyn Work>> {
        let own = self.media_relations.get("analyze_media");
        own.unwrap_or(&WorkSpec::Analyze(self.analyze.clone())).build()
    }

    /// How speech is transcribed; `None` if it is not.
    ///
    /// # Errors
    /// `config.invalid` if both a command and a server are named.
    pub(super) fn transcription(&self) -> Result<Option<TranscribeSettings>> {
        TranscribeSettings::from_settings(&self.parallel, &self.analyze.limits)
    }

    /// How faces are found; `None` if they are not looked for.
    ///
    /// # Errors
    /// `config.invalid` if the detector's file cannot be read or holds another network.
    pub(super) fn faces(&self) -> Result<Option<FaceSettings>> {
        FaceSettings::from_settings(&self.parallel, &self.analyze.limits)
    }

    /// A stable id of how sources are analysed, and how faces are found in them.
    pub(super) fn analysis_id(&self, tools: &MediaTools) -> String {
        let settings = match self.media_relations.get("analyze_media") {
            Some(work) => json!(work).to_string(),
            None => json!(self.analyze).to_string(),
        };
        let transcription = self.transcription().ok().flatten().map(|how| json!(how).to_string());
        let parts =
            [&settings, &tools.identity, env!("CARGO_PKG_VERSION")].map(|p| Some(p as &str));
        let faces = self.faces().ok().flatten().map(|faces| faces.identity);
        let optional = [transcription.as_deref(), faces.as_deref()];
        stable_id(parts.into_iter().chain(optional.into_iter().flatten().map(Some)))
    }

    /// Files of each clip at the most.
    pub(super) fn outputs_of_a_clip(&self) -> f64 {
        let VariantSettings { count, plain_clips, .. } = &self.variants;
        if self.plan_only { 0.0 } else { f64::from(*count) + f64::from(u8::from(*plain_clips)) }
    }

    /// The rendering settings that change a file's content, as text: part of its id.
    fn render_settings(&self, hdr: DynamicRange) -> String {
        let RenderSettings {
            preset,
            crf,
            max_pixels,
            audio_bitrate,
            encoder_threads,
            smart_cut,
            ..
        } = &self.render;
        let encoding = self.encoding(hdr);
        let settings = json!([preset, crf, max_pixels, audio_bitrate, encoder_threads]);
        if let Some(work) = self.media_relations.get("render_media") {
            return json!([settings, encoding, work]).to_string();
        }
        match (encoding.is_default(), smart_cut) {
            (true, false) => settings.to_string(),
            (false, false) => json!([settings, encoding]).to_string(),
            (_, true) => json!([settings, encoding, { "smart_cut": true }]).to_string(),
        }
    }

    /// The named parameters of the statements.
    pub(super) fn parameters(&self) -> Vec<(&'static str, ScalarValue)> {
        vec![
            ("language", request::DEFAULT_LANGUAGE.into()),
            ("min_clip_length", request::DEFAULT_MIN_CLIP_LENGTH.into()),
            ("max_clip_length", request::DEFAULT_MAX_CLIP_LENGTH.into()),
            ("max_clips", self.max_clips.unwrap_or(request::DEFAULT_MAX_CLIPS).into()),
            ("max_clips_limit", self.max_clips.unwrap_or(MAX_CLIPS).into()),
            ("render_settings", self.render_settings(DynamicRange::Sdr).into()),
            ("kept_settings", self.render_settings(DynamicRange::Keep).into()),
            ("keep_error", ScalarValue::Utf8(self.keep_error())),
            ("edit_version", EDIT_VERSION.to_string().into()),
            ("variants", i64::from(self.variants.count).into()),
            ("audience", ScalarValue::Utf8(self.variants.audience.clone())),
            ("platforms", self.variants.platforms.join(",").into()),
            ("captions", self.variants.captions.map_or("off", CaptionMode::as_str).into()),
            ("size", ScalarValue::Utf8(self.variants.size.map(|size| size.to_string()))),
            ("plain_clips", self.variants.plain_clips.into()),
            ("audio_track", self.parallel.audio_track.to_string().into()),
            ("hdr", self.range().as_str().into()),
            ("encode", (!self.plan_only).into()),
            ("text_model", self.text_model.is_some().into()),
        ]
    }
}
