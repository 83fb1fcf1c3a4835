//! `clipflow completions` and `clipflow man`, from the declaration of the command line.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::args::{CommandLine, CompletionsArgs, ManArgs};
use super::{OK, print};
use crate::error::Result;
use crate::store::cannot_write;

/// Prints the completions of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut CommandLine::command(), "clipflow", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(OK)
}

/// Writes a man page of the command and of each subcommand into a folder.
pub(super) fn man(args: &ManArgs) -> Result<u8> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder).map_err(|e| cannot_write(folder, e))?;
    let command = CommandLine::command();
    page(&command, "clipflow", folder).map_err(|e| cannot_write(folder, e))?;
    for subcommand in command.get_subcommands() {
        let name = format!("clipflow-{}", subcommand.get_name());
        page(subcommand, &name, folder).map_err(|e| cannot_write(folder, e))?;
    }
    Ok(OK)
}

fn page(command: &clap::Command, name: &str, folder: &Path) -> io::Result<()> {
    let mut text = vec![];
    clap_mangen::Man::new(command.clone().name(name.to_owned())).render(&mut text)?;
    std::fs::write(folder.join(format!("{name}.1")), text)
}
