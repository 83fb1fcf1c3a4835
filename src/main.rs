//! The `clipflow` command.

fn main() -> std::process::ExitCode {
    clipflow::worker::run_if_worker();
    clipflow::cli::main()
}
