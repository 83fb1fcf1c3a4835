//! A web server on loopback that does what a test tells it to, also what no server should.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a client asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// What came with it.
    pub body: Vec<u8>,
    /// Which connection it came on, from 1.
    pub connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// Whether the connection is used for another request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Then {
    Keep,
    Close,
}

type Handler = dyn Fn(&Request, &mut TcpStream) -> Then + Send + Sync;

/// Listens until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<Handler>,
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
    over: AtomicBool,
}

impl Server {
    /// A server that answers each request with what `handler` writes.
    pub fn start(
        handler: impl Fn(&Request, &mut TcpStream) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            connections: AtomicUsize::new(0),
            requests: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let listening = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if listening.over.load(Ordering::SeqCst) {
                    return;
                }
                let number = listening.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let shared = Arc::clone(&listening);
                thread::spawn(move || shared.serve(stream, number));
            }
        });
        Self { address, shared }
    }

    /// A server that takes connections and closes them.
    pub fn dead() -> Self {
        Self::start(|_, _| Then::Close)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests there were with this method.
    pub fn count(&self, method: &str) -> usize {
        self.requests().iter().filter(|r| r.method == method).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream, connection: usize) {
        // Threads of a test that is over end sometime.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        while let Some(request) = read(&mut reader, connection) {
            self.requests.lock().unwrap().push(request.clone());
            if (self.handler)(&request, &mut stream) == Then::Close {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: vec![], connection };
    let length = request.header("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Write the head of an answer; `lines` are headers without their line ends.
pub fn head(stream: &mut TcpStream, status: u16, lines: &[&str]) {
    let lines: String = lines.iter().map(|l| format!("{l}\r\n")).collect();
    let _ = write!(stream, "HTTP/1.1 {status} Whatever\r\n{lines}\r\n");
}

/// An answer without content.
pub fn empty(stream: &mut TcpStream, status: u16, lines: &[&str]) -> Then {
    head(stream, status, &[lines, &["Content-Length: 0"]].concat());
    Then::Keep
}

/// The answer of a server that is as it should be.
pub fn file(request: &Request, stream: &mut TcpStream, content: &[u8], tag: &str) -> Then {
    let (tag, length) = (format!("ETag: {tag}"), format!("Content-Length: {}", content.len()));
    head(stream, 200, &[&tag, &length]);
    if !request.is_head() {
        let _ = stream.write_all(content);
    }
    Then::Keep
}
