//! Watches over the rows that are with the cluster: submits them, finds their outcomes, and submits anew what a lost,
//! stuck or forgotten job leaves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RowOrder;
use super::board::RowBoard;
use super::files::read_outcome;
use super::folder::{ClientState, SharedFolder};
use super::job::{CallError, JobClient, JobState};
use super::plan::ClusterExec;
use crate::cancel::CancelToken;
use crate::config::SchedulerAddress;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::WorkSpec;

/// Time between two looks for outcomes, and for which rows are gathered into a job.
const LOOK: Duration = Duration::from_millis(50);
/// Time between two signs of life, and two looks at marks and jobs.
const BEAT: Duration = Duration::from_millis(500);
/// Time without a sign of life of any row after which a job is replaced; doubles with each time.
const STUCK: Duration = Duration::from_secs(30);
/// Time for a job to become known, and for outcomes of one that is done to be seen.
const TIME_TO_SHOW: Duration = Duration::from_secs(10);
/// Time that a scheduler may be away: at first, and once it has answered.
const AWAY: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(120));
/// Jobs in a row that may fail without one outcome.
const BARREN_JOBS: u32 = 4;
/// Time for jobs to be cancelled at the end.
const TIME_TO_CANCEL: Duration = Duration::from_secs(2);

/// A job that was submitted.
#[derive(Debug)]
struct WatchedJob {
    submitted: Instant,
    /// When an outcome or a mark of one of its rows last changed.
    moved: Instant,
    /// Whether the scheduler has known it.
    is_known: bool,
    /// When it was done, if it is.
    done: Option<Instant>,
}

/// The watch of one run.
pub(super) struct JobWatch {
    client: JobClient,
    scheduler: SchedulerAddress,
    folder: SharedFolder,
    roots: Vec<String>,
    board: Arc<RowBoard>,
    stop: CancelToken,
    jobs: BTreeMap<String, WatchedJob>,
    marks: HashMap<String, u64>,
    /// Jobs so far.
    count: u32,
    /// Jobs that failed since the last outcome.
    barren: u32,
    /// Jobs that were stuck since the last outcome.
    stuck: u32,
    not_before: Instant,
    heard: Option<Instant>,
    away_since: Option<Instant>,
}

impl JobWatch {
    pub(super) fn new(
        client: JobClient,
        scheduler: SchedulerAddress,
        (folder, roots): (SharedFolder, Vec<String>),
        board: Arc<RowBoard>,
        stop: CancelToken,
    ) -> Self {
        Self {
            client,
            scheduler,
            folder,
            roots,
            board,
            stop,
            jobs: BTreeMap::new(),
            marks: HashMap::new(),
            count: 0,
            barren: 0,
            stuck: 0,
            not_before: Instant::now(),
            heard: None,
            away_since: None,
        }
    }

    /// Watches until the run ends, then cancels what is left.
    pub(super) async fn run(mut self) {
        let (mut beat, mut next) = (1, Instant::now());
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
            let mut looked = self.collect().await;
            if next <= Instant::now() {
                next = Instant::now() + BEAT;
                beat += 1;
                let is_draining = self.stop.is_draining();
                if let Err(e) = self.folder.say(ClientState { beat, is_draining }) {
                    looked = Err(e);
                }
                self.look_at_marks();
                looked = match looked {
                    Ok(()) => self.look_at_jobs().await,
                    failed => failed,
                };
            }
            let done = match looked {
                Ok(()) => self.submit().await,
                failed => failed,
            };
            if let Err(e) = done {
                tracing::warn!(code = %e.code(), "{e}");
                self.board.fail(&e);
            }
        }
        self.folder.end();
        let cancelled = async {
            for job in self.jobs.keys() {
                let _ = self.client.cancel(job).await;
            }
        };
        let _ = tokio::time::timeout(TIME_TO_CANCEL, cancelled).await;
    }

    /// Hands over the outcomes that are there, and forgets rows without waiters.
    async fn collect(&mut self) -> Result<()> {
        let keys: Vec<String> = {
            let mut rows = self.board.lock();
            rows.retain(|_, row| row.waiters.iter().any(|waiter| !waiter.is_closed()));
            rows.iter().filter(|(_, row)| row.job.is_some()).map(|(key, _)| key.clone()).collect()
        };
        if keys.is_empty() {
            return Ok(());
        }
        let folder = self.folder.clone();
        let read = move || {
            let read = |key: String| Some((std::fs::read(folder.result_file(&key)).ok()?, key));
            keys.into_iter().filter_map(read).collect::<Vec<_>>()
        };
        let found = tokio::task::spawn_blocking(read).await.unwrap_or_default();
        for (bytes, key) in found {
            let Some(row) = self.board.lock().remove(&key) else { continue };
            (self.barren, self.stuck) = (0, 0);
            if let Some(job) = row.job.as_ref().and_then(|job| self.jobs.get_mut(job)) {
                job.moved = Instant::now();
            }
            for waiter in row.waiters {
                // A row that was refused meanwhile has no reader.
                let _ = waiter.send(read_outcome(&bytes));
            }
        }
        Ok(())
    }

    /// Sees which rows run.
    fn look_at_marks(&mut self) {
        let marks = self.folder.marks();
        let mut rows = self.board.lock();
        for (key, executor, count) in marks {
            let before = self.marks.insert(format!("{key}.{executor}"), count);
            let Some(row) = rows.get_mut(&key).filter(|_| before != Some(count)) else { continue };
            if !row.has_begun {
                row.has_begun = true;
                // From now on a run that drains waits for it.
                let _ = row.cancel.begin();
            }
            if let Some(job) = row.job.as_ref().and_then(|job| self.jobs.get_mut(job)) {
                job.moved = Instant::now();
            }
        }
    }

    /// Gives rows that are in no job to one, a job for each work.
    async fn submit(&mut self) -> Result<()> {
        if Instant::now() < self.not_before || self.stop.is_draining() {
            return Ok(());
        }
        let mut works: Vec<(WorkSpec, Vec<(String, u64)>)> = vec![];
        for (key, row) in self.board.lock().iter().filter(|(_, row)| row.job.is_none()) {
            let file = (key.clone(), row.size);
            match works.iter_mut().find(|(work, _)| *work == row.work) {
                Some((_, files)) => files.push(file),
                None => works.push((row.work.clone(), vec![file])),
            }
        }
        for (work, mut files) in works {
            // What is large first: it likely takes longest.
            files.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let order = RowOrder {
                folder: self.folder.path().to_path_buf(),
                work,
                roots: self.roots.clone(),
            };
            let plan = ClusterExec::over_files(order, &files);
            let plan = plan.map_err(|e| super::fault("a job cannot be planned", e))?;
            self.count += 1;
            let name = format!("clipflow {}", self.count);
            match self.client.submit(plan, &name).await {
                Ok(id) => {
                    self.answered();
                    self.begin_job(id, &files);
                }
                Err(e) => return self.failed_call(e),
            }
        }
        Ok(())
    }

    fn begin_job(&mut self, id: String, files: &[(String, u64)]) {
        tracing::info!(job = id, rows = files.len(), "rows are with the scheduler");
        let mut rows = self.board.lock();
        for (key, _) in files {
            if let Some(row) = rows.get_mut(key) {
                row.job = Some(id.clone());
            }
        }
        let now = Instant::now();
        let job = WatchedJob { submitted: now, moved: now, is_known: false, done: None };
        self.jobs.insert(id, job);
    }

    /// Asks how the jobs are doing, and gives up those that will not end.
    async fn look_at_jobs(&mut self) -> Result<()> {
        let ids: Vec<String> = self.jobs.keys().cloned().collect();
        for id in ids {
            if self.is_empty(&id) {
                // Its rows have outcomes, or were given up.
                let cancelled = self.client.cancel(&id).await;
                if cancelled.and(self.client.forget(&id).await).is_ok() {
                    self.jobs.remove(&id);
                }
                continue;
            }
            match self.client.state(&id).await {
                Ok(state) => {
                    self.answered();
                    self.judge(&id, state).await?;
                }
                Err(e) => return self.failed_call(e),
            }
        }
        Ok(())
    }

    fn is_empty(&self, id: &str) -> bool {
        !self.board.lock().values().any(|row| row.job.as_deref() == Some(id))
    }

    /// Replaces the job if it lost its rows.
    async fn judge(&mut self, id: &str, state: JobState) -> Result<()> {
        let stuck = STUCK * 2_u32.saturating_pow(self.stuck.min(6));
        let Some(job) = self.jobs.get_mut(id) else { return Ok(()) };
        let why = match state {
            JobState::Unknown if job.is_known || job.submitted.elapsed() > TIME_TO_SHOW => {
                "the scheduler does not know the job any more".to_owned()
            }
            JobState::Failed(why) => why,
            JobState::Done
                if job.done.get_or_insert_with(Instant::now).elapsed() > TIME_TO_SHOW =>
            {
                "outcomes of a job that is done are missing".to_owned()
            }
            JobState::UnderWay if job.moved.elapsed() > stuck => {
                // The executors may be busy for others: that is no reason to give up.
                self.stuck += 1;
                let why = format!("no row of the job moved for {} s", stuck.as_secs());
                self.set_free(id, &why).await;
                return Ok(());
            }
            JobState::UnderWay => {
                job.is_known = true;
                return Ok(());
            }
            JobState::Unknown | JobState::Done => return Ok(()),
        };
        self.replace(id, &why).await
    }

    async fn replace(&mut self, id: &str, why: &str) -> Result<()> {
        self.barren += 1;
        self.set_free(id, why).await;
        if self.barren < BARREN_JOBS {
            return Ok(());
        }
        self.barren = 0;
        let message = format!(
            "the cluster at {} did none of the rows of {BARREN_JOBS} jobs in a row ({why}); see its executors, and run again to resume",
            self.scheduler
        );
        Err(Error::new(ErrorCode::ConfigInvalid, message))
    }

    /// Takes the rows of a job out of it, to be submitted anew.
    async fn set_free(&mut self, id: &str, why: &str) {
        // What it still runs is stopped; the marks of those rows go then.
        let _ = self.client.cancel(id).await;
        self.jobs.remove(id);
        let mut missing = 0;
        for row in self.board.lock().values_mut().filter(|row| row.job.as_deref() == Some(id)) {
            row.job = None;
            missing += 1;
        }
        self.not_before = Instant::now() + BEAT * (1 + self.barren);
        tracing::warn!(job = id, missing, "the job is replaced: {why}");
    }

    fn answered(&mut self) {
        self.heard = Some(Instant::now());
        self.away_since = None;
    }

    fn failed_call(&mut self, error: CallError) -> Result<()> {
        let why = match error {
            CallError::Refused(error) => return Err(error),
            CallError::Unreachable(why) => why,
        };
        self.not_before = Instant::now() + BEAT;
        let since = *self.away_since.get_or_insert_with(Instant::now);
        let patience = if self.heard.is_some() { AWAY.1 } else { AWAY.0 };
        if since.elapsed() < patience {
            return Ok(());
        }
        self.away_since = None;
        let message = format!(
            "the scheduler {} has not answered for {} s ({why}); start it with clipflow scheduler, and run again to resume",
            self.scheduler,
            patience.as_secs()
        );
        Err(Error::new(ErrorCode::ConfigInvalid, message).about("scheduler"))
    }
}
