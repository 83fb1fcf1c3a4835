//! Tells rows that their task was cancelled.
//!
//! Ballista drops the future of a task that is cancelled, and what the task started goes on. This engine ties a flag
//! to that future: it falls when the future ends or is dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_executor::execution_engine::{
    DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor,
};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use tokio::sync::watch;

static TASKS: LazyLock<Mutex<HashMap<String, watch::Receiver<()>>>> = LazyLock::new(Mutex::default);

fn tasks() -> MutexGuard<'static, HashMap<String, watch::Receiver<()>>> {
    TASKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Completes when the task with this id is cancelled or over.
pub(super) async fn task_is_over(id: &str) {
    let flag = tasks().get(id).cloned();
    match flag {
        Some(mut flag) => while flag.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

/// Ballista's engine, with a flag for each task.
pub(super) struct FlaggingEngine(pub(super) DefaultExecutionEngine);

impl ExecutionEngine for FlaggingEngine {
    fn create_query_stage_exec(
        &self,
        job: JobId,
        stage: usize,
        task: usize,
        partitions: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let stage =
            self.0.create_query_stage_exec(job, stage, task, partitions, plan, work_dir, config)?;
        Ok(Arc::new(FlaggedStage(stage)))
    }
}

#[derive(Debug)]
struct FlaggedStage(Arc<dyn QueryStageExecutor>);

impl fmt::Display for FlaggedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Takes a task off the list when it is dropped, and with the sender the flag falls.
struct TaskFlag {
    id: String,
    _flag: watch::Sender<()>,
}

impl Drop for TaskFlag {
    fn drop(&mut self) {
        tasks().remove(&self.id);
    }
}

#[async_trait]
impl QueryStageExecutor for FlaggedStage {
    async fn execute_query_stage(
        &self,
        task: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        let id = context.task_id().unwrap_or_default();
        let (sender, flag) = watch::channel(());
        tasks().insert(id.clone(), flag);
        let _flag = TaskFlag { id, _flag: sender };
        self.0.execute_query_stage(task, context).await
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.0.collect_plan_metrics()
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.0.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> Result<Vec<WindowStateReport>> {
        self.0.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.0.collect_column_stats()
    }
}
