//! What rows find on the machine of an executor.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::config::{BackendType, ParallelConfig, SchedulerAddress};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::backend;
use crate::exec::{MediaRuntime, MediaRuntimeConfig, WorkSpec};
use crate::location::Location;
use crate::media::{MediaTools, TranscribeSettings};
use crate::resilience::Resilience;
use crate::source::Sources;
use crate::telemetry::Silent;

/// How an executor is started.
#[derive(Debug, Clone)]
pub(crate) struct ExecutorOptions {
    /// Where the scheduler listens.
    pub(crate) scheduler: SchedulerAddress,
    /// Address that the scheduler reaches this machine at.
    pub(crate) host: IpAddr,
    /// Settings of media work.
    pub(crate) parallel: ParallelConfig,
    /// Where sources may lie; empty: where the client says.
    pub(crate) roots: Vec<Location>,
    /// Folders that results may lie in; empty: any.
    pub(crate) results: Vec<PathBuf>,
    /// Ends it.
    pub(crate) stop: CancelToken,
}

/// What rows find on this machine.
#[derive(Debug)]
pub(super) struct Executor {
    /// Another one each time the process starts.
    pub(super) id: String,
    /// For people.
    pub(super) name: String,
    pub(super) base: MediaRuntime,
    pub(super) parallel: ParallelConfig,
    pub(super) roots: Vec<Location>,
    results: Vec<PathBuf>,
    pub(super) stop: CancelToken,
}

impl Executor {
    pub(super) fn new(options: &ExecutorOptions, id: String) -> Result<Self> {
        let mut parallel = options.parallel.clone();
        // A row that ends its process costs this one row, and the executor stays.
        if parallel.backend == BackendType::Auto {
            parallel.backend = BackendType::Process;
        }
        let tools = MediaTools {
            sandbox: parallel.sandbox,
            memory_bytes: parallel.media_memory_bytes(),
            ..MediaTools::find()?
        };
        let resilience = Resilience::new(&parallel);
        let none: [Location; 0] = [];
        let base = MediaRuntime::new(MediaRuntimeConfig {
            tools,
            sources: Sources::standard(none, &parallel, &resilience.hosts),
            media_dir: PathBuf::new(),
            backend: backend::build(&parallel)?,
            resilience,
            observer: Arc::new(Silent),
        });
        Ok(Self {
            name: format!("{id} of {}", options.host),
            id,
            base,
            parallel,
            roots: options.roots.clone(),
            results: options.results.clone(),
            stop: options.stop.clone(),
        })
    }

    /// Why work of a client is not done here: its transcriber is a program that would run on this machine, or a server
    /// that would be sent a key of it, so the executor's own settings must name the same.
    pub(super) fn refusal(&self, work: &WorkSpec) -> Option<Error> {
        let WorkSpec::Transcribe(asked) = work else { return None };
        let own = TranscribeSettings::from_settings(&self.parallel, &asked.limits).ok().flatten();
        if own.is_some_and(|own| own.transcriber == asked.transcriber) {
            return None;
        }
        let message = format!(
            "the executor {} does not run this transcriber; start it with the same --transcribe-command or --transcribe-url",
            self.name
        );
        Some(Error::new(ErrorCode::TranscribeFailed, message))
    }

    /// Whether the run in `folder` writes to results that this executor serves.
    pub(super) fn may_write(&self, folder: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        self.results.is_empty() || self.results.iter().any(|r| real(folder).starts_with(real(r)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::media::{MediaLimits, TranscriberSettings};
    use std::time::Duration;

    #[test]
    fn a_transcriber_of_a_client_runs_only_where_the_executor_names_it_too() {
        let executor = |command: &str| {
            let parallel = ParallelConfig {
                backend: BackendType::Thread,
                transcribe_command: command.into(),
                ..ParallelConfig::default()
            };
            let options = ExecutorOptions {
                scheduler: "df://127.0.0.1:1".parse().unwrap(),
                host: IpAddr::from([127, 0, 0, 1]),
                parallel,
                roots: vec![],
                results: vec!["/results".into()],
                stop: CancelToken::new(),
            };
            Executor::new(&options, "executor-1".to_owned()).unwrap()
        };
        let work = WorkSpec::Transcribe(TranscribeSettings {
            transcriber: TranscriberSettings::Command("whisper {input}".to_owned()),
            timeout: Duration::from_secs(1),
            limits: MediaLimits::default(),
        });
        assert_eq!(executor("whisper {input}").refusal(&work).map(|e| e.code()), None);
        for other in ["", "whisper {input} -x"] {
            let error = executor(other).refusal(&work).unwrap();
            assert_eq!(error.code(), ErrorCode::TranscribeFailed);
            assert!(error.message().contains("executor-1"), "{error}");
        }
        let executor = executor("");
        assert!(executor.refusal(&WorkSpec::registered("select")).is_none());
        assert!(executor.may_write(Path::new("/results/a/_staging/run-1/cluster")));
        assert!(!executor.may_write(Path::new("/other/_staging/run-1/cluster")));
    }
}
