//! The requests of the protocol, and what they are answered.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::state::ServerState;
use super::{resources, tools};
use crate::cancel::stopped;
use crate::config::Setting;
use crate::error::{Error, ErrorCode, Result};
use crate::panics::caught;

/// Serves one client.
#[derive(Debug, Clone)]
pub(super) struct McpServer(pub(super) Arc<ServerState>);

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let about = Implementation::new("clipflow", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(about)
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let call = tools::call(&self.0, &request.name, arguments, &context);
        // A run ends by itself once it is cancelled, so that its processes have ended by then.
        let answer = match request.name.as_ref() {
            "run" => without_panics(call).await,
            _ => cancellable(&context, without_panics(call)).await,
        };
        match answer {
            Some(Ok(answer)) => Ok(CallToolResult::structured(answer).into()),
            Some(Err(error)) => Ok(failed(&error).into()),
            None => {
                let message = format!("there is no tool {}; tools/list says which", request.name);
                Err(ErrorData::invalid_params(message, None))
            }
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let number = match cursor.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                return Err(ErrorData::invalid_params("the cursor is not of this server", None));
            }
        };
        let list = async {
            let roots = self.0.roots(&context).await?;
            resources::page(&self.0, &roots, number).await
        };
        let list = cancellable(&context, without_panics(async { Some(list.await) })).await;
        let (resources, has_more) =
            list.unwrap_or_else(|| Err(stopped())).map_err(|e| refused(&e))?;
        let mut listed = ListResourcesResult::with_all_items(resources);
        listed.next_cursor = has_more.then(|| (number + 1).to_string());
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ReadResourceResponse, ErrorData> {
        let read = async {
            let roots = self.0.roots(&context).await?;
            resources::read(&self.0, &roots, &request.uri).await
        };
        let read = cancellable(&context, without_panics(async { Some(read.await) })).await;
        let contents = read.unwrap_or_else(|| Err(stopped())).map_err(|e| refused(&e))?;
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn on_roots_list_changed(&self, _: NotificationContext<RoleServer>) {
        self.0.forget_roots().await;
    }
}

/// The answer of a call, unless its client cancels it.
async fn cancellable<T>(
    context: &RequestContext<RoleServer>,
    call: impl Future<Output = Option<Result<T>>>,
) -> Option<Result<T>> {
    tokio::select! {
        answer = call => answer,
        () = context.ct.cancelled() => Some(Err(stopped())),
    }
}

/// The answer of a call whose panic is an error.
async fn without_panics<T>(call: impl Future<Output = Option<Result<T>>>) -> Option<Result<T>> {
    caught(Box::pin(call)).await.unwrap_or_else(|text| {
        let sentence = format!(
            "a part of the program panicked ({text}); if a file that was read is whole, report this"
        );
        Some(Err(Error::new(ErrorCode::Internal, sentence)))
    })
}

/// `error[code]: sentence` as the result of a tool, where the agent reads it.
fn failed(error: &Error) -> CallToolResult {
    let (code, sentence) = (error.code().as_str(), sentence(error));
    let text = format!("error[{code}]: {sentence}");
    let meta = match json!({ "clipflow/error": { "code": code, "message": sentence } }) {
        Value::Object(meta) => Some(MetaObject(meta)),
        _ => None,
    };
    CallToolResult::error(vec![ContentBlock::text(text)]).with_meta(meta)
}

/// The error of a resource.
fn refused(error: &Error) -> ErrorData {
    let (code, sentence) = (error.code(), sentence(error));
    let data = Some(json!({ "code": code.as_str(), "message": sentence }));
    let message = Cow::Owned(format!("error[{}]: {sentence}", code.as_str()));
    match code {
        ErrorCode::Internal => ErrorData::internal_error(message, data),
        ErrorCode::SourceNotFound | ErrorCode::StoreRead => {
            ErrorData::resource_not_found(message, data)
        }
        _ => ErrorData::invalid_params(message, data),
    }
}

/// The sentence, which names arguments of tools as they are and settings by the flags of `clipflow mcp`.
fn sentence(error: &Error) -> String {
    let spelled = error.message_with(|name| match Setting::find(name) {
        Some(setting) => format!("--{}", setting.flag),
        None if name == "allow_roots" => "--root".to_owned(),
        None => name.to_owned(),
    });
    // Those of `clipflow sql` have other names here.
    spelled.replace("--allow-root", "--root").replace("--timeout", "--query-timeout")
}
