//! The `clipflow` command.

/// Counts what queries take, so that none takes more than it may.
#[global_allocator]
static ALLOCATOR: clipflow::cli::CountingAllocator = clipflow::cli::CountingAllocator;

fn main() -> std::process::ExitCode {
    clipflow::worker::run_if_worker();
    clipflow::cli::main()
}
