//! A client that writes and reads the lines of the protocol, and fails on any other.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next: i64,
    roots: Vec<PathBuf>,
    /// Progress notifications since the last call.
    progress: Vec<Value>,
}

/// The code of a tool's error; empty if there is none.
pub fn code_of(result: &Value) -> &str {
    result["_meta"]["clipflow/error"]["code"].as_str().unwrap_or_default()
}

impl Client {
    pub fn start(folder: &Path, flags: &[&str]) -> Self {
        Self::start_with(folder, flags, &[])
    }

    pub fn start_with(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_clipflow"))
            .current_dir(folder)
            .arg("mcp")
            .args(flags)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, next: 0, roots: vec![], progress: vec![] }
    }

    /// Introduces the client, with roots if it has them; what the server says of itself.
    pub fn hello(&mut self, roots: Option<&[PathBuf]>) -> Value {
        let mut capabilities = json!({});
        if let Some(roots) = roots {
            capabilities = json!({ "roots": { "listChanged": true } });
            self.roots = roots.to_vec();
        }
        let about = self.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": capabilities,
                "clientInfo": { "name": "test", "version": "1" },
            }),
        );
        self.notify("notifications/initialized", json!({}));
        about
    }

    pub fn change_roots(&mut self, roots: &[PathBuf]) {
        self.roots = roots.to_vec();
        self.notify("notifications/roots/list_changed", json!({}));
        // Notifications are worked on beside requests.
        self.ask("ping", json!({}));
    }

    fn write(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{message}").unwrap();
        stdin.flush().unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request; its id.
    pub fn send(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let id = self.next;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The next message; every line is one.
    fn receive(&mut self) -> Value {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line)
                .unwrap_or_else(|e| panic!("no message of the protocol: {line} ({e})")),
            Err(RecvTimeoutError::Timeout) => panic!("no answer in time"),
            Err(RecvTimeoutError::Disconnected) => {
                let mut said = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("the server has ended: {said}");
            }
        }
    }

    /// The response to a request; the server's own requests are answered meanwhile.
    fn response(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive();
            assert_eq!(message["jsonrpc"], "2.0", "{message}");
            match message["method"].as_str() {
                Some("roots/list") => {
                    let uri =
                        |root: &PathBuf| json!({ "uri": format!("file://{}", root.display()) });
                    let roots: Vec<Value> = self.roots.iter().map(uri).collect();
                    self.write(&json!({
                        "jsonrpc": "2.0", "id": message["id"], "result": { "roots": roots },
                    }));
                }
                Some("notifications/progress") => self.progress.push(message["params"].clone()),
                Some(other) => panic!("{other} was not expected: {message}"),
                None => {
                    assert_eq!(message["id"], id, "{message}");
                    return message;
                }
            }
        }
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let response = self.response(id);
        assert!(response["error"].is_null(), "{method}: {response}");
        response["result"].clone()
    }

    pub fn ask_in_vain(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let response = self.response(id);
        assert!(response["result"].is_null(), "{method}: {response}");
        response["error"].clone()
    }

    /// The result of a tool, which may be an error.
    pub fn call_raw(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The structured answer of a tool that succeeds; its text says the same.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        answer(&self.call_raw(tool, &arguments))
    }

    /// The same, and the progress that was told.
    pub fn call_with_progress(&mut self, tool: &str, arguments: Value) -> (Value, Vec<Value>) {
        self.progress.clear();
        let meta = json!({ "progressToken": "p" });
        let result =
            self.ask("tools/call", json!({ "name": tool, "arguments": arguments, "_meta": meta }));
        let told = std::mem::take(&mut self.progress);
        assert!(told.iter().all(|p| p["progressToken"] == "p"), "{told:?}");
        (answer(&result), told)
    }

    /// Closes the server's standard input.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    pub fn terminate(&self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
    }

    /// Waits for the end of the server, reading what it still says.
    pub fn wait(&mut self) -> ExitStatus {
        super::until("the server ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    /// Closes the connection: the server ends with success, and has said nothing on standard error.
    pub fn end(mut self) {
        self.close();
        assert!(self.wait().success());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
    }
}

fn answer(result: &Value) -> Value {
    assert_eq!(result["isError"], false, "{result}");
    let text = result["content"][0]["text"].as_str().unwrap();
    let answer = result["structuredContent"].clone();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), answer);
    answer
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
