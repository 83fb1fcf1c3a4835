//! The scheduler as a client sees it: submit, ask, cancel.

use std::time::Duration;

use ballista_core::config::{BALLISTA_JOB_NAME, BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair,
    execute_query_result, job_status,
};
use ballista_core::version::insert_version_header;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use std::sync::Arc;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::codec::ClusterCodec;
use super::fault;
use super::plan::ClusterExec;
use crate::config::SchedulerAddress;
use crate::error::{Error, ErrorCode, Result};

/// Time to connect and to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest plan, in bytes: a row takes about 300.
const MAX_MESSAGE: usize = 64 << 20;

/// A connection to a scheduler, made when it is used and made again when it is lost.
#[derive(Debug, Clone)]
pub(super) struct JobClient {
    scheduler: SchedulerGrpcClient<Channel>,
    session: String,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum CallError {
    /// The scheduler does not answer: later it may.
    Unreachable(String),
    /// It refuses.
    Refused(Error),
}

/// How a job is doing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// The scheduler does not know it, or not yet.
    Unknown,
    /// Queued or running.
    UnderWay,
    Failed(String),
    Done,
}

impl JobClient {
    /// A client that is not connected yet.
    ///
    /// # Errors
    /// `config.invalid` for an address that is none.
    pub(super) fn new(scheduler: &SchedulerAddress, session: &str) -> Result<Self> {
        let url = format!("http://{}:{}", scheduler.host, scheduler.port);
        let endpoint = Endpoint::from_shared(url).map_err(|e| {
            let message = format!("scheduler is {scheduler} ({e}); give df://HOST:PORT");
            Error::new(ErrorCode::ConfigInvalid, message).about("scheduler")
        })?;
        let channel =
            endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).tcp_nodelay(true).connect_lazy();
        let scheduler = SchedulerGrpcClient::new(channel)
            .max_encoding_message_size(MAX_MESSAGE)
            .max_decoding_message_size(MAX_MESSAGE);
        Ok(Self { scheduler, session: session.to_owned() })
    }

    /// Submits a job; its id.
    pub(super) async fn submit(&self, plan: ClusterExec, name: &str) -> Answer<String> {
        let plan =
            PhysicalPlanNode::try_from_physical_plan(Arc::new(plan), &ClusterCodec::default());
        let mut bytes = vec![];
        plan.and_then(|plan| plan.try_encode(&mut bytes))
            .map_err(|e| CallError::Refused(fault("a job cannot be written", e)))?;
        let setting = |key: &str, value: &str| KeyValuePair {
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        let mut request = tonic::Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(bytes)),
            settings: vec![
                setting(BALLISTA_JOB_NAME, name),
                // A row that takes long holds back no others.
                setting(BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, "1"),
            ],
            session_id: self.session.clone(),
            operation_id: name.to_owned(),
        });
        insert_version_header(request.metadata_mut());
        let answer = self.scheduler.clone().execute_query(request).await.map_err(of_status)?;
        match answer.into_inner().result {
            Some(execute_query_result::Result::Success(success)) => Ok(success.job_id),
            Some(execute_query_result::Result::Failure(failure)) => {
                Err(CallError::Refused(refusal(&format!("{:?}", failure.failure))))
            }
            None => Err(CallError::Unreachable("an empty answer".to_owned())),
        }
    }

    pub(super) async fn state(&self, job: &str) -> Answer<JobState> {
        let params = GetJobStatusParams { job_id: job.to_owned() };
        let answer = self.scheduler.clone().get_job_status(params).await.map_err(of_status)?;
        let status = answer.into_inner().status.and_then(|status| status.status);
        Ok(match status {
            None => JobState::Unknown,
            Some(job_status::Status::Failed(failed)) => JobState::Failed(failed.error),
            Some(job_status::Status::Successful(_)) => JobState::Done,
            Some(job_status::Status::Queued(_) | job_status::Status::Running(_)) => {
                JobState::UnderWay
            }
        })
    }

    /// Cancels a job; one that is over stays so.
    pub(super) async fn cancel(&self, job: &str) -> Answer<()> {
        let params = CancelJobParams { job_id: job.to_owned() };
        self.scheduler.clone().cancel_job(params).await.map(|_| ()).map_err(of_status)
    }

    /// Removes what executors keep of a job that is over.
    pub(super) async fn forget(&self, job: &str) -> Answer<()> {
        let params = CleanJobDataParams { job_id: job.to_owned(), ..Default::default() };
        self.scheduler.clone().clean_job_data(params).await.map(|_| ()).map_err(of_status)
    }
}

type Answer<T> = std::result::Result<T, CallError>;

fn of_status(status: tonic::Status) -> CallError {
    match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition | Code::Unimplemented => {
            CallError::Refused(refusal(status.message()))
        }
        _ => CallError::Unreachable(status.message().to_owned()),
    }
}

fn refusal(what: &str) -> Error {
    let message = format!("the scheduler refuses the job ({what})");
    Error::new(ErrorCode::ConfigInvalid, message).about("scheduler")
}
