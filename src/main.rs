//! The `clipflow` command.

fn main() -> std::process::ExitCode {
    clipflow::cli::main()
}
