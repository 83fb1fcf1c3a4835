//! The layer of Landlock: which files and ports there are for a program.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::{Sandbox, replaced};
use crate::error::{Error, ErrorCode, Result};

/// The newest form of the kernel's interface whose rules are used; older kernels take the part that they know.
const NEWEST: ABI = ABI::V6;

/// What programs read of the system: libraries and their settings, fonts, and how many processors there are. Nothing
/// of it is a secret; `/etc` as a whole is not in it.
const SYSTEM: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/var/cache/fontconfig",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/dev/urandom",
    "/dev/zero",
];
/// Devices that are read and written: the void, and encoders in hardware with what their drivers read.
const DEVICES: &[&str] =
    &["/dev/null", "/dev/dri", "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"];
/// Folders of the programs that start others: loaders of dynamic programs.
const LOADERS: &[&str] = &["/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64"];
/// Folders with programs, for one that is a script and cannot do without them.
const PROGRAMS: &[&str] = &["/bin", "/sbin", "/usr", "/lib", "/lib64", "/nix/store", "/gnu/store"];

/// Whether the kernel has Landlock and it is in use.
pub(super) fn is_there() -> bool {
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(ABI::V1));
    let created = ruleset.and_then(|ruleset| ruleset.create());
    created.is_ok_and(|created| Option::<OwnedFd>::from(created).is_some())
}

/// The rules of a sandbox; `None` if the kernel takes none.
///
/// # Errors
/// `internal` if the kernel has Landlock and refuses them; `source.changed`.
pub(super) fn rules(sandbox: &Sandbox) -> Result<Option<OwnedFd>> {
    let mut rules = build(sandbox).map_err(cannot_set_up)?;
    if let Some(pinned) = &sandbox.pinned {
        // The rule is for the file behind this descriptor, whatever its name leads to later.
        let file = pinned.open().map_err(|_| replaced())?;
        let rule = PathBeneath::new(file, BitFlags::from(AccessFs::ReadFile));
        rules = rules.add_rule(rule).map_err(cannot_set_up)?;
    }
    Ok(rules.into())
}

fn cannot_set_up(cause: RulesetError) -> Error {
    let message = format!(
        "the sandbox of a media process cannot be set up ({cause}); sandbox = \"off\" does without"
    );
    Error::new(ErrorCode::Internal, message).with_source(cause)
}

fn build(sandbox: &Sandbox) -> std::result::Result<RulesetCreated, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let mut ruleset = match &sandbox.reads {
        Some(_) => ruleset.handle_access(all)?.scope(Scope::from_all(NEWEST))?,
        None => ruleset.handle_access(AccessFs::from_write(NEWEST))?,
    };
    if !sandbox.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut created = ruleset.create()?;
    let handled = if sandbox.reads.is_some() { all } else { AccessFs::from_write(NEWEST) };
    let mut allow =
        |path: &Path, access: BitFlags<AccessFs>| allow(&mut created, path, access & handled);
    let write = AccessFs::from_all(NEWEST) & !(AccessFs::Execute | AccessFs::IoctlDev);
    sandbox.writes.iter().try_for_each(|path| allow(path, write))?;
    DEVICES.iter().try_for_each(|path| allow(Path::new(path), all & !AccessFs::Execute))?;
    if let Some(reads) = &sandbox.reads {
        let of_program = beside(&sandbox.program);
        let system = SYSTEM.iter().map(PathBuf::from).chain(of_program);
        system.chain(reads.iter().cloned()).try_for_each(|path| allow(&path, read))?;
        for path in started(&sandbox.program) {
            allow(&path, AccessFs::Execute | AccessFs::ReadFile)?;
        }
    }
    Ok(created)
}

/// Allows access to a path; one that is not there needs no rule.
fn allow(
    created: &mut RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> std::result::Result<(), RulesetError> {
    let Ok(open) = PathFd::new(path) else { return Ok(()) };
    let is_folder = fs::metadata(path).is_ok_and(|facts| facts.is_dir());
    let access = if is_folder { access } else { access & AccessFs::from_file(NEWEST) };
    created.add_rule(PathBeneath::new(open, access)).map(|_| ())
}

/// What a program that is not installed in the system has beside it: its own folder, and the libraries next to that.
fn beside(program: &Path) -> Vec<PathBuf> {
    let program = real(program);
    let Some(folder) = program.parent().filter(|folder| !is_in_system(folder)) else {
        return vec![];
    };
    let prefix = folder.parent().filter(|prefix| prefix.parent().is_some());
    let libraries = ["lib", "lib64", "share"].into_iter();
    let libraries = prefix.into_iter().flat_map(|prefix| libraries.clone().map(|l| prefix.join(l)));
    libraries.chain([folder.to_owned()]).collect()
}

fn is_in_system(folder: &Path) -> bool {
    SYSTEM.iter().any(|system| folder.starts_with(system))
}

/// What may be started: the program and the loader of dynamic programs; of a script its interpreter and other programs
/// of the system too.
fn started(program: &Path) -> Vec<PathBuf> {
    let program = real(program);
    let mut all: Vec<PathBuf> =
        LOADERS.iter().flat_map(|folder| loaders(Path::new(folder))).collect();
    if is_script(&program) {
        all.extend(PROGRAMS.iter().map(PathBuf::from));
    }
    if ["/nix/store", "/gnu/store"].iter().any(|store| program.starts_with(store)) {
        // Its loader lies beside its libraries.
        all.extend(["/nix/store", "/gnu/store"].map(PathBuf::from));
    }
    all.push(program);
    all
}

/// The loaders in a folder of libraries, such as `ld-linux-x86-64.so.2`, and in the folders of architectures in it.
fn loaders(folder: &Path) -> Vec<PathBuf> {
    let named = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_loader = |name: &str| name.starts_with("ld-") && name.contains(".so");
        entries
            .filter(|entry| entry.file_name().to_str().is_some_and(is_loader))
            .map(|entry| real(&entry.path()))
            .collect()
    };
    let of_architecture = format!("{}-linux-gnu", std::env::consts::ARCH);
    [named(folder), named(&folder.join(of_architecture))].concat()
}

fn is_script(program: &Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start == b"#!"
}

/// A path without links.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
