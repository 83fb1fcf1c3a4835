//! Runs on a cluster of real processes on the loopback interface: the results are those of one machine, and whichever
//! process is killed, no row is lost, doubled or half.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::gated::{Gate, Running, files};
use super::support::waiting::until;
use super::support::{HEAD, show};

/// A scheduler and executors, which end with this.
struct Cluster<'a> {
    gate: &'a Gate,
    port: u16,
    scheduler: Running,
    executors: Vec<Running>,
}

impl<'a> Cluster<'a> {
    fn new(gate: &'a Gate, executors: usize, more: &[&str]) -> Self {
        Self::with(gate, executors, more, &[])
    }

    fn with(gate: &'a Gate, executors: usize, more: &[&str], tls: &[&str]) -> Self {
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = (0..100).map(|_| fastrand::u16(12_000..19_000)).find(free).unwrap();
        let scheduler = Self::scheduler(gate, port, tls);
        let mut cluster = Self { gate, port, scheduler, executors: vec![] };
        (0..executors).for_each(|_| cluster.add(more));
        cluster
    }

    fn scheduler(gate: &Gate, port: u16, tls: &[&str]) -> Running {
        let listen = format!("127.0.0.1:{port}");
        let args = ["scheduler", "--listen", &listen, "--executor-timeout", "6"];
        let mut running = gate.start(&[&args[..], tls].concat());
        running.wait_for_line("scheduler at df://");
        let connects = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        until("the scheduler listens", connects);
        running
    }

    fn address(&self) -> String {
        format!("df://127.0.0.1:{}", self.port)
    }

    fn add(&mut self, more: &[&str]) {
        let address = self.address();
        let args = [&["executor", "--scheduler", &address, "--workers", "1"], more].concat();
        self.executors.push(self.gate.start(&args));
    }

    fn start(&self, out: &str) -> Running {
        self.start_with(out, &[])
    }

    fn start_with(&self, out: &str, more: &[&str]) -> Running {
        let address = self.address();
        let args =
            ["run", "r.csv", "--out", out, "--backend", "distributed", "--scheduler", &address];
        self.gate.start(&[&args[..], more].concat())
    }
}

fn sources(folder: &Path, names: &[&str]) -> Gate {
    show::make(&folder.join("show.mp4"));
    let mut requests = HEAD.to_owned();
    for name in names {
        fs::copy(folder.join("show.mp4"), folder.join(format!("{name}.mp4"))).unwrap();
        requests.push_str(&format!("{name},{name}.mp4,4,8,1\n"));
    }
    fs::write(folder.join("r.csv"), requests).unwrap();
    Gate::new(folder)
}

/// Names and bytes of the media files.
fn media(gate: &Gate, out: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = gate.folder.join(out).join("media");
    files(&folder)
        .into_iter()
        .map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()))
        .collect()
}

/// The results in `out` are those that one machine makes, and nothing else is there.
fn assert_as_on_one_machine(gate: &Gate, out: &str) {
    let (code, said) = gate.run(&["run", "r.csv", "--out", "plain"]);
    assert!(matches!(code, Some(0 | 3)), "{said}");
    for table in ["outcomes", "clips", "renditions"] {
        let columns = if table == "outcomes" { "* EXCEPT (elapsed)" } else { "*" };
        let sql = format!("SELECT {columns} FROM {table} ORDER BY ALL");
        let rows = |out| gate.run(&["sql", out, &sql, "--format", "csv"]);
        assert_eq!(rows(out), rows("plain"), "{table}");
    }
    assert_eq!(media(gate, out), media(gate, "plain"));
    let left = files(&gate.folder.join(out));
    let odd = |f: &&String| f.starts_with("_staging") || f.starts_with("_resume");
    assert_eq!(left.iter().filter(odd).collect::<Vec<_>>(), Vec::<&String>::new());
}

fn analyses(calls: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> =
        calls.iter().filter_map(|call| call.strip_prefix("analyze ")).collect();
    names.sort_unstable();
    names
}

#[test]
fn results_are_those_of_one_machine() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b", "c"]);
    let mut rows = fs::read_to_string(folder.path().join("r.csv")).unwrap();
    rows.push_str("lost,missing.mp4,4,8,1\n");
    fs::write(folder.path().join("r.csv"), rows).unwrap();
    gate.open("all");
    let cluster = Cluster::new(&gate, 2, &[]);
    let (status, said) = cluster.start("out").end();
    assert_eq!(status.code(), Some(3), "{said}");
    let calls = gate.calls();
    assert_eq!(analyses(&calls), ["a.mp4", "b.mp4", "c.mp4"], "each once in the whole cluster");
    let sql = "SELECT count(*) FROM run_stats WHERE labels LIKE '%\"dask\"%'";
    let (_, counted) = gate.run(&["sql", "out", sql, "--format", "csv"]);
    assert_ne!(counted.lines().nth(1), Some("0"), "rows say that the cluster ran them");
    let sql = "SELECT sum(value) FROM run_stats WHERE metric = 'clipflow_media_processes_total'";
    let (_, counted) = gate.run(&["sql", "out", sql, "--format", "csv"]);
    let processes: f64 = counted.lines().nth(1).unwrap().parse().unwrap();
    assert!(processes >= 9.0, "the processes of the executors are known: {processes}");
    assert_as_on_one_machine(&gate, "out");
    assert_eq!(gate.tables("out"), gate.tables("plain"));
}

#[test]
fn an_executor_that_is_killed_costs_the_rows_it_ran() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b", "c"]);
    let cluster = Cluster::new(&gate, 2, &[]);
    let running = cluster.start("out");
    until("both executors run a row", || gate.peek().len() == 2);
    cluster.executors[0].signal(Signal::SIGKILL);
    gate.open("all");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let calls = gate.calls();
    assert_eq!(analyses(&calls).len(), 4, "one row is done again: {calls:?}");
    assert_as_on_one_machine(&gate, "out");
}

#[test]
fn a_scheduler_that_is_killed_costs_no_more_than_what_was_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b", "c"]);
    let mut cluster = Cluster::new(&gate, 2, &[]);
    let running = cluster.start("out");
    until("both executors run a row", || gate.peek().len() == 2);
    cluster.scheduler.signal(Signal::SIGKILL);
    until("the scheduler is gone", || cluster.scheduler.child.try_wait().unwrap().is_some());
    gate.open("all");
    cluster.scheduler = Cluster::scheduler(&gate, cluster.port, &[]);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let calls = gate.calls();
    let mut done = analyses(&calls);
    // A row under way goes on; where the next scheduler hands it out before it has ended, it is done twice.
    assert!(done.len() <= 3 + 2, "two rows were under way: {calls:?}");
    done.dedup();
    assert_eq!(done, ["a.mp4", "b.mp4", "c.mp4"]);
    assert_as_on_one_machine(&gate, "out");
}

#[test]
fn a_client_that_leaves_ends_its_rows_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b", "c"]);
    let cluster = Cluster::new(&gate, 1, &[]);
    let mut running = cluster.start("out");
    // One analysis is done, the next one never will be.
    gate.up_to(2);
    running.signal(Signal::SIGINT);
    running.wait_for_line("what is under way is finished");
    running.signal(Signal::SIGINT);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{said}");
    let told = Instant::now();
    let gated = || super::support::workers::naming(&format!("{}/ffmpeg", gate.folder.display()));
    until("media processes end on the executors", || gated() == 0);
    assert!(told.elapsed() < Duration::from_secs(5), "after {:?}", told.elapsed());
    gate.calls();

    // Killed, it cannot say anything: the next run does.
    let running = cluster.start("out");
    until("a row is under way", || !gate.peek().is_empty());
    running.signal(Signal::SIGKILL);
    running.end();
    gate.calls();
    gate.open("all");
    let (status, said) = cluster.start("out").end();
    assert_eq!(status.code(), Some(0), "{said}");
    let calls = gate.calls();
    assert_eq!(analyses(&calls).len(), 2, "the analysis that was done is found again: {calls:?}");
    assert_as_on_one_machine(&gate, "out");
}

#[test]
fn a_row_that_kills_two_executors_has_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "bomb"]);
    let program = gate.folder.join("ffmpeg");
    let real = fs::read_to_string(&program).unwrap();
    // Not in worker processes, which would die in place of the executor.
    let bomb = "#!/bin/sh\ncase \"$*\" in *bomb.mp4*) echo \"bomb $PPID\" >> CALLS; kill -9 $PPID; exit 1;; esac\n";
    let bomb = bomb.replace("CALLS", &gate.folder.join("bombs").display().to_string());
    fs::write(&program, real.replace("#!/bin/sh\n", &bomb)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    gate.open("all");
    let mut cluster = Cluster::new(&gate, 2, &["--backend", "thread"]);
    let running = cluster.start("out");
    let is_dead = |executor: &mut Running| executor.child.try_wait().unwrap().is_some();
    until("both are dead", || cluster.executors.iter_mut().all(is_dead));
    cluster.add(&["--backend", "thread"]);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(3), "{said}");
    let sql = "SELECT request_id, status, error_code, attempts FROM outcomes ORDER BY 1";
    let (_, rows) = gate.run(&["sql", "out", sql, "--format", "csv"]);
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert!(rows[0].starts_with("a,ok,"), "{rows:?}");
    assert!(rows[1].starts_with("bomb,failed,worker_crashed"), "{rows:?}");
    let bombs = fs::read_to_string(gate.folder.join("bombs")).unwrap();
    assert_eq!(bombs.lines().count(), 2, "the third executor does not try it: {bombs}");
}

#[test]
fn what_the_cluster_cannot_do_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b"]);
    for (args, sentence) in [
        (
            vec!["run", "r.csv", "--out", "out", "--backend", "dask"],
            "--scheduler is empty; the backend dask needs the address of a scheduler",
        ),
        (
            vec!["run", "r.csv", "--out", "out", "--backend", "dask", "--scheduler", "head:20050"],
            "give df://HOST:PORT",
        ),
        (
            vec![
                "run",
                "r.csv",
                "--out",
                "out",
                "--backend",
                "dask",
                "--scheduler",
                "df://192.0.2.1:1",
            ],
            "the source of request a",
        ),
        (vec!["scheduler", "--listen", "0.0.0.0:20051"], "give --insecure"),
        (
            vec!["executor", "--scheduler", "df://127.0.0.1:1", "--listen", "0.0.0.0"],
            "give --insecure",
        ),
    ] {
        let (code, said) = gate.run(&args);
        assert!(code != Some(0) && said.contains(sentence), "{args:?}: {said}");
    }
    assert_eq!(gate.calls(), Vec::<String>::new());
}

/// Certificates of a cluster in `folder`: `ca.pem`, and `NAME.pem` and `NAME.key` of a member and of a stranger.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    for (authority, member) in [("ca", "node"), ("other-ca", "stranger")] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        fs::write(folder.join(format!("{authority}.pem")), root.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        fs::write(folder.join(format!("{member}.pem")), leaf.pem()).unwrap();
        fs::write(folder.join(format!("{member}.key")), key.serialize_pem()).unwrap();
    }
}

const TLS: [&str; 6] = ["--tls-ca", "ca.pem", "--tls-cert", "node.pem", "--tls-key", "node.key"];

/// What the port answers to a request for the list of jobs, in plain text or by TLS as `member`.
fn jobs(gate: &Gate, port: u16, member: Option<&str>) -> std::io::Result<String> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read, Write};

    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let request = b"GET /api/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut answer = vec![];
    let Some(member) = member else {
        stream.write_all(request)?;
        stream.read_to_end(&mut answer)?;
        return Ok(String::from_utf8_lossy(&answer).into_owned());
    };
    let file = |name: String| gate.folder.join(name);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem".into())).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match member {
        "" => config.with_no_client_auth(),
        name => {
            let chain = CertificateDer::from_pem_file(file(format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(file(format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    let name = "127.0.0.1".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(request)?;
    match tls.read_to_end(&mut answer) {
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => Err(e),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

#[test]
fn with_certificates_work_is_done_and_without_one_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    certificates(&gate.folder);
    gate.open("all");
    let cluster = Cluster::with(&gate, 1, &TLS, &TLS);
    let (status, said) = cluster.start_with("out", &TLS).end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_as_on_one_machine(&gate, "out");
    let answered = jobs(&gate, cluster.port, Some("node")).unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "a member reads the jobs: {answered}");
    for stranger in [None, Some(""), Some("stranger")] {
        let answered = jobs(&gate, cluster.port, stranger);
        let is_told = answered.as_ref().is_ok_and(|text| text.contains("HTTP"));
        assert!(!is_told, "{stranger:?}: {answered:?}");
    }
}
