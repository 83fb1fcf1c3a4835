//! `clipflow mcp`: the tools and resources of an agent, by the Model Context Protocol on standard input and output.
//!
//! A door without logic: a tool checks that its paths lie beneath the roots, and calls what the command of its name
//! calls. Queries run as `clipflow sql` in processes of their own.

mod answers;
mod arguments;
mod progress;
mod query;
mod resources;
mod roots;
mod runs;
mod server;
mod state;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::QuitReason;
use rmcp::transport::io::stdio_pipes;

use super::OK;
use super::args::McpArgs;
use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use server::McpServer;
use state::ServerState;

/// Time for runs under way to end once the client is gone or the server was told to stop.
const TIME_TO_END: Duration = Duration::from_secs(4);

/// Serves until the client closes standard input, or until `stop` is drained.
pub(super) async fn mcp(args: McpArgs, parallel: ParallelConfig, stop: CancelToken) -> Result<u8> {
    let work = stop.child();
    let state = Arc::new(ServerState::new(args, parallel, work.clone()));
    let served = async {
        let service = McpServer(state).serve(stdio_pipes()).await.map_err(|e| {
            let message = format!("no client has connected ({e}); an agent starts clipflow mcp");
            Error::new(ErrorCode::InputUnreadable, message)
        })?;
        match service.waiting().await {
            Ok(QuitReason::JoinError(e)) | Err(e) => {
                let message = format!("the server broke off ({e}); report this");
                Err(Error::new(ErrorCode::Internal, message))
            }
            Ok(_) => Ok(OK),
        }
    };
    let ended = tokio::select! {
        ended = served => ended,
        () = stop.draining() => Ok(OK),
    };
    // What was finished of runs under way is found again by the next run.
    work.cancel();
    work.deserted(TIME_TO_END).await;
    ended
}
