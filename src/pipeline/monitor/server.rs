//! Serves `/metrics` to Prometheus.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::telemetry::prometheus;

/// Time for a client to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at a time; a scraper needs one.
const CONNECTIONS: usize = 16;

/// Makes the page; `None` once there is nothing to serve.
pub(super) type Page = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Serve until the task is aborted. An address that cannot be used is logged.
pub(super) async fn serve(address: SocketAddr, page: Page) {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(cause) => return tracing::warn!("metrics are not served on {address}: {cause}"),
    };
    tracing::info!("metrics are served on http://{address}/metrics");
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(cause) => {
                tracing::debug!("a connection for metrics failed: {cause}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let page = Arc::clone(&page);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&request, &page);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            let server = server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            if let Err(cause) = server.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!("a connection for metrics ended: {cause}");
            }
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, page: &Page) -> Response<String> {
    let mut response = Response::new(String::new());
    if request.method() != Method::GET && request.method() != Method::HEAD {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match (request.uri().path(), page()) {
        ("/metrics", Some(text)) => {
            let kind = HeaderValue::from_static(prometheus::CONTENT_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            *response.body_mut() = text;
        }
        _ => {
            *response.status_mut() = StatusCode::NOT_FOUND;
            *response.body_mut() = "metrics are at /metrics\n".to_owned();
        }
    }
    response
}
