//! An S3 server on loopback: buckets are folders, requests are counted, and some can be made to
//! fail or to lose their reply.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The one bucket.
pub const BUCKET: &str = "bucket";
const KEY: &str = "AKIDTEST";
/// The right secret of its one account.
pub const SECRET: &str = "open-sesame-7d1f";

/// What to do with a request instead of answering it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Refuse it with 503 `SlowDown`.
    Busy,
    /// Carry it out, then drop the connection.
    LoseReply,
}

/// The `nth` request (from 1) of `method` whose path contains `part`, and what befalls it.
#[derive(Debug)]
struct Trap {
    method: Method,
    part: &'static str,
    nth: usize,
    harm: Harm,
}

/// Requests so far, as method, path and status (0: the reply was lost), and traps not sprung yet.
#[derive(Debug, Default)]
struct Front {
    seen: Mutex<Vec<(Method, String, u16)>>,
    traps: Mutex<Vec<Trap>>,
    /// s3s-fs looks whether an object is there and then writes it; only one may do so at a time.
    writes: tokio::sync::Mutex<()>,
}

/// The server; it ends when dropped.
pub struct S3 {
    folder: tempfile::TempDir,
    address: SocketAddr,
    front: Arc<Front>,
    runtime: Option<Runtime>,
}

impl S3 {
    /// A server with an empty bucket.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let (service, front) = (builder.build(), Arc::new(Front::default()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, service, Arc::clone(&front)));
        Self { folder, address, front, runtime: Some(runtime) }
    }

    /// The folder that is the bucket.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// Let `harm` befall the `nth` (from 1, counted from now) `method` request whose path contains
    /// `part`.
    pub fn trap(&self, method: Method, part: &'static str, nth: usize, harm: Harm) {
        self.front.traps.lock().unwrap().push(Trap { method, part, nth, harm });
    }

    /// How many traps were not sprung.
    pub fn traps_left(&self) -> usize {
        self.front.traps.lock().unwrap().len()
    }

    /// Statuses of the requests so far of `method` whose path contains `part`; 0: a lost reply.
    pub fn statuses(&self, method: &Method, part: &str) -> Vec<u16> {
        let seen = self.front.seen.lock().unwrap();
        let wanted = seen.iter().filter(|(m, path, _)| m == method && path.contains(part));
        wanted.map(|(_, _, status)| *status).collect()
    }

    /// Run `clipflow` in `folder` with this server as its S3.
    pub fn clipflow(&self, folder: &Path, args: &[&str]) -> Output {
        self.clipflow_with(folder, args, SECRET)
    }

    /// Like [`S3::clipflow`], with another secret.
    pub fn clipflow_with(&self, folder: &Path, args: &[&str], secret: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
        command.current_dir(folder).args(args);
        command.env("AWS_ENDPOINT", format!("http://{}", self.address));
        command.env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env_remove("AWS_SESSION_TOKEN").output().expect("the command starts")
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service, front: Arc<Front>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (service, front) = (service.clone(), Arc::clone(&front));
        tokio::spawn(async move {
            let handle =
                service_fn(move |request| answer(request, service.clone(), Arc::clone(&front)));
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), handle)
                .await;
        });
    }
}

/// Answer one request; an error drops the connection.
async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    front: Arc<Front>,
) -> io::Result<Response<Body>> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let harm = front.harm(&method, &path);
    let note = |status| front.seen.lock().unwrap().push((method.clone(), path.clone(), status));
    if harm == Some(Harm::Busy) {
        let mut body = pin!(request.into_body());
        while poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_some() {}
        note(503);
        let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>".to_owned();
        return Response::builder().status(503).body(Body::from(body)).map_err(io::Error::other);
    }
    let one = if method == Method::GET || method == Method::HEAD {
        None
    } else {
        Some(front.writes.lock().await)
    };
    let response = hyper::service::Service::call(&service, request).await;
    drop(one);
    let response = response.map_err(|e| io::Error::other(format!("{e:?}")))?;
    if harm == Some(Harm::LoseReply) {
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        note(0);
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    note(response.status().as_u16());
    Ok(response)
}

impl Front {
    /// What shall befall this request; each trap counts it.
    fn harm(&self, method: &Method, path: &str) -> Option<Harm> {
        let mut traps = self.traps.lock().unwrap();
        for trap in traps.iter_mut().filter(|t| t.method == method && path.contains(t.part)) {
            trap.nth -= 1;
        }
        let sprung = traps.iter().position(|trap| trap.nth == 0)?;
        Some(traps.remove(sprung).harm)
    }
}
