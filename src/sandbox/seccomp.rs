//! The layer of seccomp: which system calls there are for a program.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use crate::error::{Error, ErrorCode, Result};

/// Calls that no decoder needs and that lead out of a process: into others, into the kernel, to another view of the
/// system.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // It makes sockets and opens files beside these rules.
    libc::SYS_io_uring_setup,
    libc::SYS_open_by_handle_at,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];
/// Those of a program without a network.
const SOCKETS: &[libc::c_long] = &[libc::SYS_socket, libc::SYS_socketpair];

/// Whether the kernel has filters and their form for this processor is known.
pub(super) fn is_there() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Seccomp:")) && architecture().is_some()
}

fn architecture() -> Option<TargetArch> {
    std::env::consts::ARCH.try_into().ok()
}

/// The filter of a program with or without a network, compiled once.
///
/// # Errors
/// `internal` if it cannot be compiled.
pub(super) fn filter(network: bool) -> Result<BpfProgram> {
    static FILTERS: [OnceLock<Option<BpfProgram>>; 2] = [OnceLock::new(), OnceLock::new()];
    let filter = FILTERS[usize::from(network)].get_or_init(|| compiled(network));
    filter.clone().ok_or_else(|| {
        Error::new(
            ErrorCode::Internal,
            "the filter of system calls cannot be compiled; sandbox = \"off\" does without",
        )
    })
}

fn compiled(network: bool) -> Option<BpfProgram> {
    let sockets: &[libc::c_long] = if network { &[] } else { SOCKETS };
    let rules: BTreeMap<i64, _> =
        REFUSED.iter().chain(sockets).map(|call| (*call, vec![])).collect();
    // As if the user were not allowed to: programs go on where they can do without.
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, architecture()?).ok()?;
    filter.try_into().ok()
}
