//! One server, one fault: which error it becomes, and what it costs.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clipflow::config::ParallelConfig;
use clipflow::net::HttpConfig;
use clipflow::resilience::{HostLimits, Hosts, ScriptedClock, may_change};
use clipflow::source::http::Http;
use clipflow::source::spool::Spool;
use clipflow::source::{LocalCopy, Source, SpooledSource};
use clipflow::{Error, ErrorCode};
use futures::FutureExt;

use crate::support::http::{Server, Then, empty, file, head};

/// Stands in every URL and in no error.
const SECRET: &str = "?signature=SECRET";

struct Web {
    source: SpooledSource<Http>,
    hosts: Hosts,
    clock: ScriptedClock,
    spool: Spool,
    _dir: tempfile::TempDir,
}

fn limits() -> HttpConfig {
    let config = ParallelConfig { allow_private: true, ..ParallelConfig::default() };
    HttpConfig::from(&config)
}

fn web(config: HttpConfig) -> Web {
    let dir = tempfile::tempdir().unwrap();
    let clock = ScriptedClock::new();
    let host_limits = HostLimits::from(&ParallelConfig::default());
    let hosts = Hosts::with_clock(host_limits, Arc::new(clock.clone()));
    let spool = Spool::new(dir.path(), 100_000_000);
    let source = SpooledSource::new(Http::new(config, hosts.clone()), spool.clone());
    Web { source, hosts, clock, spool, _dir: dir }
}

impl Web {
    async fn open(&self, url: &str) -> Result<LocalCopy, Error> {
        self.source.open(&format!("{url}{SECRET}")).await
    }

    /// The code of an error that tells no secret and leaves nothing in the spool.
    async fn fails(&self, url: &str) -> (ErrorCode, bool) {
        let error = self.open(url).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("SECRET"), "{told}");
        assert!(error.message().contains("; "), "says what to do: {error}");
        assert_eq!(self.spool.used(), 0, "{error}");
        (error.code(), may_change(&error))
    }
}

#[tokio::test]
async fn a_good_server_is_asked_on_one_connection_and_the_file_is_what_it_sent() {
    let server = Server::start(|request, stream| file(request, stream, &[9; 300_000], "\"v1\""));
    let web = web(limits());
    for i in 0..3 {
        let copy = web.open(&server.url(&format!("/{i}.mp4"))).await.unwrap();
        assert_eq!(std::fs::read(&copy.path).unwrap(), [9; 300_000]);
        assert_eq!(copy.validator, "\"v1\"");
    }
    let known = web.source.validator(&server.url("/0.mp4")).await.unwrap();
    assert_eq!(known.as_deref(), Some("\"v1\""), "the same whether asked for or fetched");
    assert_eq!((server.connections(), server.count("GET"), server.count("HEAD")), (1, 3, 1));
    let asked = &server.requests()[0];
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert!(asked.header("user-agent").unwrap().starts_with("clipflow/"));
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_truncated_and_may_be_whole_next_time() {
    let server = Server::start(|_, stream| {
        head(stream, 200, &["Content-Length: 1000"]);
        let _ = stream.write_all(&[1; 999]);
        Then::Close
    });
    let web = web(limits());
    assert_eq!(web.fails(&server.url("/a.mp4")).await, (ErrorCode::SourceTruncated, true));
    assert_eq!(web.hosts.snapshot()[0].failures, 1, "the connection broke");
}

#[tokio::test]
async fn a_body_longer_than_announced_ends_where_it_was_announced_to() {
    let server = Server::start(|_, stream| {
        head(stream, 200, &["Content-Length: 1000"]);
        let _ = stream.write_all(&[1; 5000]);
        Then::Keep
    });
    let web = web(limits());
    for path in ["/a.mp4", "/b.mp4"] {
        let copy = web.open(&server.url(path)).await.unwrap();
        assert_eq!(std::fs::read(&copy.path).unwrap(), [1; 1000]);
    }
    assert_eq!(server.connections(), 2, "what came too much is not taken for the next answer");
}

#[tokio::test]
async fn a_chunked_body_that_breaks_off_is_truncated() {
    let server = Server::start(|_, stream| {
        head(stream, 200, &["Transfer-Encoding: chunked"]);
        let _ = stream.write_all(b"5\r\nvideo\r\n5\r\nvi");
        Then::Close
    });
    let web = web(limits());
    assert_eq!(web.fails(&server.url("/a.mp4")).await, (ErrorCode::SourceTruncated, true));
}

#[tokio::test]
async fn an_empty_file_is_no_video() {
    let server = Server::start(|_, stream| empty(stream, 200, &[]));
    let web = web(limits());
    assert_eq!(web.fails(&server.url("/a.mp4")).await, (ErrorCode::SourceTruncated, false));
}

#[tokio::test]
async fn a_source_without_validator_is_known_by_its_content() {
    let server = Server::start(|_, stream| {
        head(stream, 200, &["Transfer-Encoding: chunked"]);
        let _ = stream.write_all(b"5\r\nvideo\r\n0\r\n\r\n");
        Then::Keep
    });
    let web = web(limits());
    let copy = web.open(&server.url("/a.mp4")).await.unwrap();
    assert_eq!(copy.validator, format!("blake3-{}", blake3::hash(b"video").to_hex()));
    web.open(&server.url("/a.mp4")).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_not_fetched_and_what_turns_out_to_be_is_given_up() {
    let server = Server::start(|request, stream| {
        if request.path.starts_with("/said") {
            head(stream, 200, &["Content-Length: 100001"]);
            return Then::Keep;
        }
        head(stream, 200, &["Transfer-Encoding: chunked"]);
        // Until the client has had enough.
        while stream.write_all(b"400\r\n").is_ok()
            && stream.write_all(&[0; 0x400]).is_ok()
            && stream.write_all(b"\r\n").is_ok()
        {}
        Then::Close
    });
    let web = web(HttpConfig { max_bytes: 100_000, ..limits() });
    for path in ["/said.mp4", "/unsaid.mp4"] {
        assert_eq!(web.fails(&server.url(path)).await, (ErrorCode::SourceTooLarge, false));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_and_one_that_trickles_are_given_up() {
    let server = Server::start(|request, stream| {
        if request.path.starts_with("/silent") {
            std::thread::sleep(Duration::from_secs(60));
            return Then::Close;
        }
        head(stream, 200, &["Content-Length: 1000000"]);
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Then::Close
    });
    let (first_byte, window) = (Duration::from_millis(50), Duration::from_millis(100));
    let connect = Duration::from_millis(50);
    let quick = web(HttpConfig { connect, first_byte, window, ..limits() });
    let silent = quick.fails(&server.url("/silent.mp4")).await;
    assert_eq!(silent, (ErrorCode::SourceUnreachable, true));
    let trickle = quick.fails(&server.url("/trickle.mp4")).await;
    assert_eq!(trickle, (ErrorCode::SourceUnreachable, true));
    // Fast enough for that, but not for the time a source may take.
    let least_rate = 1;
    let timeout = Some(Duration::from_millis(100));
    let timed = web(HttpConfig { least_rate, timeout, ..limits() });
    let error = timed.open(&server.url("/trickle.mp4")).await.unwrap_err();
    assert!(error.message().contains("was not fetched within 0.1 s"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let gone = {
        let server = Server::dead();
        server.url("/a.mp4")
    };
    let web = web(limits());
    assert_eq!(web.fails(&gone).await, (ErrorCode::SourceUnreachable, true));
    assert_eq!(web.fails("http://no-such-host.invalid/").await.0, ErrorCode::SourceUnreachable);
    let dead = Server::dead();
    assert_eq!(web.fails(&dead.url("/a.mp4")).await, (ErrorCode::SourceUnreachable, true));
    assert_eq!(dead.connections(), 1, "nothing is tried twice below the row");
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let server = Server::start(|request, stream| {
        let status = request.path[1..4].parse().unwrap();
        empty(stream, status, &[])
    });
    let web = web(limits());
    for (status, code, can_change) in [
        (404, ErrorCode::SourceNotFound, false),
        (410, ErrorCode::SourceNotFound, false),
        (401, ErrorCode::SourceForbidden, false),
        (403, ErrorCode::SourceForbidden, false),
        (416, ErrorCode::SourceUnsupported, false),
        (204, ErrorCode::SourceUnsupported, false),
        (304, ErrorCode::SourceUnsupported, false),
        (429, ErrorCode::SourceThrottled, true),
        (500, ErrorCode::SourceUnreachable, true),
        (503, ErrorCode::SourceUnreachable, true),
    ] {
        assert_eq!(web.fails(&server.url(&format!("/{status}"))).await, (code, can_change));
        // A host that says 429 gets a pause also if it does not say how long.
        web.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn what_a_server_asks_for_in_seconds_or_as_a_date_holds_for_the_whole_host() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request, stream| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => empty(stream, 429, &["Retry-After: 7"]),
        1 => {
            let date = "Date: Sun, 06 Nov 1994 08:49:30 GMT";
            empty(stream, 503, &[date, "Retry-After: Sun, 06 Nov 1994 08:49:39 GMT"])
        }
        _ => file(request, stream, b"video", "\"v1\""),
    });
    let web = web(limits());
    let seconds = web.open(&server.url("/a.mp4")).await.unwrap_err();
    assert_eq!(seconds.retry_after(), Some(Duration::from_secs(7)));
    for wait in [7, 9] {
        let url = server.url("/b.mp4");
        let mut held = Box::pin(web.open(&url));
        let before = server.requests().len();
        assert!((&mut held).now_or_never().is_none());
        web.clock.advance(Duration::from_secs(wait - 1));
        assert!((&mut held).now_or_never().is_none());
        assert_eq!(server.requests().len(), before);
        web.clock.advance(Duration::from_secs(1));
        let answer = held.await;
        assert_eq!(answer.is_ok(), wait == 9, "{answer:?}");
    }
}

#[tokio::test]
async fn redirects_are_followed_without_telling_where_from() {
    let end = Server::start(|request, stream| file(request, stream, b"video", "\"v1\""));
    let to = end.url("/end.mp4?token=2");
    let start = Server::start(move |request, stream| match request.path.as_str() {
        "/a" => empty(stream, 302, &["Location: /b/", "Set-Cookie: session=1"]),
        "/b/" => empty(stream, 307, &["Location: ../c#part"]),
        "/c" => empty(stream, 301, &["Location: //LOCALHOST-ALIAS/"]),
        _ => empty(stream, 308, &[&format!("Location: {to}")]),
    });
    let web = web(limits());
    let copy = web.source.open(&start.url("/d")).await.unwrap();
    assert_eq!(std::fs::read(copy.path).unwrap(), b"video");
    let asked = end.requests().remove(0);
    assert_eq!(asked.path, "/end.mp4?token=2");
    for name in ["cookie", "referer", "authorization", "origin"] {
        assert_eq!(asked.header(name), None, "{name}");
    }
    // Three hops on one host; the last one to a host that is not there.
    let lost = web.source.open(&start.url("/a")).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::SourceUnreachable);
    let paths: Vec<String> = start.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/d", "/a", "/b/", "/c"]);
    assert!(start.requests().iter().all(|r| r.header("cookie").is_none()));
}

#[tokio::test]
async fn five_redirects_are_enough() {
    let server = Server::start(|request, stream| {
        let number: u32 = request.path[1..].split('?').next().unwrap().parse().unwrap();
        match number {
            0 => file(request, stream, b"video", "\"v1\""),
            n => empty(stream, 302, &[&format!("Location: /{}", n - 1)]),
        }
    });
    let web = web(limits());
    assert!(web.open(&server.url("/5")).await.is_ok());
    let before = server.requests().len();
    let url = server.url("/6");
    let error = web.open(&url).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceBlocked);
    assert!(error.message().contains("/6?…"), "of the address that was asked for: {error}");
    assert_eq!(server.requests().len() - before, 6);
    let circle = Server::start(|_, stream| empty(stream, 302, &["Location: /again"]));
    let fresh = self::web(limits());
    assert_eq!(fresh.fails(&circle.url("/again")).await, (ErrorCode::SourceBlocked, false));
}

#[tokio::test]
async fn a_redirect_leads_to_no_forbidden_place() {
    let trap = Server::start(|request, stream| file(request, stream, b"secret", "\"v1\""));
    let port = trap.port();
    let server = Server::start(move |request, stream| {
        let to = match &request.path[1..2] {
            "0" => "http://169.254.169.254/latest/meta-data/".to_owned(),
            "1" => "http://[::ffff:169.254.169.254]/".to_owned(),
            "2" => "http://2852039166/".to_owned(),
            "3" => "file:///etc/passwd".to_owned(),
            "4" => "ftp://example.com/a.mp4".to_owned(),
            "5" => format!("http://user:password@127.0.0.1:{port}/"),
            _ => format!("http://0.0.0.0:{port}/"),
        };
        empty(stream, 302, &[&format!("Location: {to}")])
    });
    let web = web(limits());
    for i in 0..=6 {
        let (code, _) = web.fails(&server.url(&format!("/{i}"))).await;
        assert_eq!(code, ErrorCode::SourceBlocked, "{i}");
        let head = web.source.validator(&server.url(&format!("/{i}"))).await.unwrap_err();
        assert_eq!(head.code(), ErrorCode::SourceBlocked, "{i}");
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_not_connected_to() {
    let server = Server::start(|request, stream| file(request, stream, b"secret", "\"v1\""));
    let port = server.port();
    let web = web(HttpConfig { allow_private: false, ..limits() });
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "a.localhost",
        "localhost.",
    ] {
        for url in [format!("http://{host}:{port}/"), format!("http://{host}/")] {
            let (code, _) = web.fails(&url).await;
            assert_eq!(code, ErrorCode::SourceBlocked, "{url}");
            let head = web.source.validator(&url).await.unwrap_err();
            assert_eq!(head.code(), ErrorCode::SourceBlocked, "{url}");
        }
    }
    assert_eq!(server.connections(), 0);
    assert!(web.hosts.snapshot().is_empty(), "no host was even looked up");
}

#[tokio::test]
async fn a_server_that_answers_no_head_requests_is_asked_for_the_first_byte() {
    for status in [403, 405, 501] {
        let server = Server::start(move |request, stream| {
            if request.is_head() {
                return empty(stream, status, &[]);
            }
            let date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
            if request.header("range") == Some("bytes=0-0") {
                head(stream, 206, &[date, "Content-Range: bytes 0-0/5", "Content-Length: 1"]);
                let _ = stream.write_all(b"v");
            } else {
                head(stream, 200, &[date, "Content-Length: 5"]);
                let _ = stream.write_all(b"video");
            }
            Then::Keep
        });
        let web = web(limits());
        let url = server.url("/a.mp4");
        let asked = web.source.validator(&url).await.unwrap();
        assert_eq!(asked.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT-5"));
        assert_eq!(web.source.open(&url).await.unwrap().validator, asked.unwrap());
    }
}

#[tokio::test]
async fn another_tag_is_another_fetch() {
    let version = Arc::new(AtomicUsize::new(1));
    let served = Arc::clone(&version);
    let server = Server::start(move |request, stream| {
        let version = served.load(Ordering::SeqCst);
        file(request, stream, format!("video {version}").as_bytes(), &format!("\"v{version}\""))
    });
    let web = web(limits());
    let url = server.url("/a.mp4");
    drop(web.open(&url).await.unwrap());
    drop(web.open(&url).await.unwrap());
    assert_eq!((server.count("GET"), server.count("HEAD")), (1, 1));
    version.store(2, Ordering::SeqCst);
    let copy = web.open(&url).await.unwrap();
    assert_eq!(std::fs::read_to_string(copy.path).unwrap(), "video 2");
    assert_eq!((copy.validator.as_str(), server.count("GET")), ("\"v2\"", 2));
}
