//! A command of the user's that transcribes.
//!
//! No shell reads it: it is divided into words as a shell would, and places in braces are filled in. It runs in its own
//! process group, with a time limit, and is ended when the run is stopped. Its environment is that of clipflow without
//! what looks like a key.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Transcriber;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{Transcript, to_short_tag};
use crate::media::process::MediaCommand;
use crate::media::tools::MediaLimits;
use crate::source::program;

/// Largest answer in bytes.
const MOST_BYTES: usize = 256 << 20;
/// Words in the names of environment variables that are not handed on.
const SECRETS: [&str; 5] = ["SECRET", "PASSWORD", "TOKEN", "KEY", "CREDENTIAL"];
/// Endings of answers, the one with most times first.
const ENDINGS: [&str; 6] = ["json", "json3", "vtt", "srt", "ass", "txt"];

const INPUT: &str = "{input}";
const OUTPUT: &str = "{output}";
const OUTPUT_DIR: &str = "{output_dir}";
const LANGUAGE: &str = "{language}";

/// A command that transcribes; see the module.
#[derive(Debug)]
pub(super) struct CommandTranscriber {
    program: PathBuf,
    arguments: Vec<String>,
    /// As the user wrote it.
    line: String,
    timeout: Duration,
}

impl CommandTranscriber {
    /// # Errors
    /// `config.invalid` for a command that cannot be divided into words or does not name its input;
    /// `setup.missing_program` if its program is not there.
    pub(super) fn new(line: &str, timeout: Duration) -> Result<Self> {
        let wrong = |what: &str| Error::setting("transcribe_command", what);
        let mut words = shlex::split(line)
            .ok_or_else(|| wrong("has a quote that is not closed; close it"))?
            .into_iter();
        let name = words.next().ok_or_else(|| wrong("is empty; name a program"))?;
        let arguments: Vec<String> = words.collect();
        if !arguments.iter().any(|word| word.contains(INPUT)) {
            return Err(wrong(
                "does not say where its sound goes; write {input} there, such as 'whisper-cli -m MODEL -oj -of {output} {input}'",
            ));
        }
        let path = std::env::var_os("PATH");
        let named = name.contains('/').then(|| OsString::from(&name));
        let program = program::find(&name, named, path.as_deref()).ok_or_else(|| {
            let sentence = format!(
                "{name} of transcribe_command cannot be run; install it or correct the setting"
            );
            Error::new(ErrorCode::SetupMissingProgram, sentence).about("transcribe_command")
        })?;
        Ok(Self { program, arguments, line: line.to_owned(), timeout })
    }

    /// The arguments, filled in. Without a language the argument that names it is left out, with the flag before it.
    fn filled(&self, sound: &Path, scratch: &Path, language: Option<&str>) -> Vec<OsString> {
        let mut filled: Vec<OsString> = vec![];
        for word in &self.arguments {
            if word.contains(LANGUAGE) && language.is_none() {
                let is_flag = |flag: &OsString| flag.to_string_lossy().starts_with('-');
                if word == LANGUAGE && filled.last().is_some_and(is_flag) {
                    filled.pop();
                }
                continue;
            }
            let place = |path: PathBuf| path.to_string_lossy().into_owned();
            let word = word
                .replace(INPUT, &place(sound.to_path_buf()))
                .replace(OUTPUT_DIR, &place(scratch.to_path_buf()))
                .replace(OUTPUT, &place(scratch.join("transcript")))
                .replace(LANGUAGE, language.unwrap_or_default());
            filled.push(word.into());
        }
        filled
    }

    fn limits(&self) -> MediaLimits {
        // It is the user's own program, and models are large: time is what is limited.
        MediaLimits {
            timeout: self.timeout,
            memory_bytes: u64::MAX,
            cpu_seconds: u64::MAX,
            open_files: 1024,
            ..MediaLimits::default()
        }
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn failed(&self, what: &str) -> Error {
        let sentence =
            format!("the transcriber {} {what}; correct transcribe_command", self.name());
        Error::new(ErrorCode::TranscribeFailed, sentence).about("transcribe_command")
    }

    /// What the command wrote: its standard output, or the file that says most.
    fn answer(&self, said: Vec<u8>, scratch: &Path) -> Result<Transcript> {
        let is_said = !self.arguments.iter().any(|w| w.contains(OUTPUT) || w.contains(OUTPUT_DIR));
        if is_said {
            let text = String::from_utf8_lossy(&said);
            return Transcript::read(&text)
                .ok_or_else(|| self.failed("printed no transcript with times"));
        }
        let entries = fs::read_dir(scratch).map_err(|e| super::cannot_write(scratch, e))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let rank = |path: &PathBuf| {
            let ending =
                path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let known = ENDINGS.iter().position(|known| *known == ending);
            (known.unwrap_or(ENDINGS.len()), path.clone())
        };
        files.sort_by_key(rank);
        let read = |path: &PathBuf| {
            let is_fit = fs::metadata(path).is_ok_and(|facts| facts.len() <= MOST_BYTES as u64);
            let bytes = is_fit.then(|| fs::read(path).ok()).flatten()?;
            Transcript::read(&String::from_utf8_lossy(&bytes))
        };
        let found = files.iter().filter_map(read);
        let mut empty = None;
        for transcript in found {
            if !transcript.passages.is_empty() {
                return Ok(transcript);
            }
            empty = Some(transcript);
        }
        empty.ok_or_else(|| self.failed("wrote no transcript with times"))
    }
}

impl Transcriber for CommandTranscriber {
    fn identity(&self) -> String {
        crate::telemetry::scrub(&self.line)
    }

    fn transcribe(
        &self,
        sound: &Path,
        language: Option<&str>,
        scratch: &Path,
        cancel: &CancelToken,
    ) -> Result<Transcript> {
        let language = language.and_then(to_short_tag);
        let mut command = MediaCommand::new(&self.program, &self.limits());
        command.args(self.filled(sound, scratch, language.as_deref()));
        for (name, value) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if !SECRETS.iter().any(|secret| upper.contains(secret)) && upper != "LC_ALL" {
                command.env(name, value);
            }
        }
        let (said, finished) = command.capture(cancel, MOST_BYTES)?;
        if finished.stop.is_some() {
            finished.check(ErrorCode::TranscribeFailed)?;
        }
        if !finished.success() {
            let words = finished.last_words();
            let status = finished.status;
            let words = if words.is_empty() { String::new() } else { format!(" ({words})") };
            return Err(self.failed(&format!("ended with {status}{words}")));
        }
        self.answer(said, scratch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn command(line: &str) -> CommandTranscriber {
        CommandTranscriber::new(line, Duration::from_secs(10)).unwrap()
    }

    fn shown(line: &str, language: Option<&str>) -> String {
        let filled = command(line).filled(Path::new("/t/a b.wav"), Path::new("/t/out"), language);
        filled.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn places_are_filled_in_without_a_shell() {
        let line =
            "sh -c 'echo \"$1\"' -- {input} --language {language} -of {output} --dir={output_dir}";
        assert_eq!(
            shown(line, Some("en")),
            "-c|echo \"$1\"|--|/t/a b.wav|--language|en|-of|/t/out/transcript|--dir=/t/out"
        );
        let without = "-c|echo \"$1\"|--|/t/a b.wav|-of|/t/out/transcript|--dir=/t/out";
        assert_eq!(shown(line, None), without);
    }

    #[test]
    fn a_command_that_cannot_work_is_refused_with_what_to_do() {
        let refused = |line: &str| CommandTranscriber::new(line, Duration::ZERO).unwrap_err();
        assert!(refused("sh -c true").message().contains("write {input}"));
        assert!(refused("sh 'open {input}").message().contains("quote"));
        let missing = refused("no-such-whisper {input}");
        assert_eq!(missing.code(), ErrorCode::SetupMissingProgram);
    }

    fn run(line: &str) -> Result<Transcript> {
        let scratch = tempfile::tempdir().unwrap();
        let sound = scratch.path().with_extension("wav");
        fs::write(&sound, "RIFF").unwrap();
        let answer = command(line).transcribe(&sound, None, scratch.path(), &CancelToken::new());
        fs::remove_file(&sound).unwrap();
        answer
    }

    #[test]
    fn answers_are_read_from_where_the_command_puts_them() {
        let srt = "1\\n00:00:01,000 --> 00:00:02,000\\nHello.\\n";
        for line in [
            format!("sh -c 'printf \"{srt}\"' {{input}}"),
            format!("sh -c 'printf \"{srt}\" > \"$1.srt\"' - {{output}} {{input}}"),
            format!(
                "sh -c 'printf \"{srt}\" > \"$1/sound.srt\"; echo words > \"$1/sound.txt\"' - {{output_dir}} {{input}}"
            ),
        ] {
            assert_eq!(run(&line).unwrap().cues()[0].text, "Hello.", "{line}");
        }
    }

    #[test]
    fn a_failure_says_what_the_command_said() {
        let error = run("sh -c 'echo no such model >&2; exit 3' {input}").unwrap_err();
        assert_eq!(error.code(), ErrorCode::TranscribeFailed);
        assert!(error.message().contains("no such model"), "{error}");
        let error = run("sh -c 'echo Hello' {input}");
        assert_eq!(error.unwrap().passages, []);
        let error = run("sh -c 'echo {}' {input}").unwrap_err();
        assert!(error.message().contains("no transcript"), "{error}");
    }

    #[test]
    fn keys_of_the_environment_are_not_handed_on() {
        // The tests' own environment has PATH, and cargo's variables; a key cannot be set here without unsafe code.
        let error = run("sh -c 'env >&2; exit 1' {input}").unwrap_err();
        assert!(!error.message().contains("TOKEN"), "{error}");
    }
}
