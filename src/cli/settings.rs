//! A flag for each setting, generated from the table of settings.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::config::{
    BackendType, ConfigLoader, LoadedConfig, ParallelConfig, SETTINGS, Setting, SettingKind,
};
use crate::error::Result;

/// Settings that `-h` shows; `--help` shows all.
const COMMON: &[&str] = &[
    "backend",
    "max_workers",
    "timeout",
    "memory_limit_gb",
    "max_retries",
    "rate_limit_per_host",
    "allow_private",
    "enable_caching",
];

/// `--config`, `--print-config` and a flag for each setting.
#[derive(Debug, Clone, Default)]
pub(super) struct SettingsArgs {
    file: Option<PathBuf>,
    print: bool,
    /// Name of the setting, flag, value.
    given: Vec<(&'static str, String, String)>,
}

impl SettingsArgs {
    /// Arguments in which only `flag`, of the setting `name`, is given.
    pub(super) fn of(name: &'static str, flag: &str, text: &str) -> Self {
        Self { given: vec![(name, flag.to_owned(), text.to_owned())], ..Self::default() }
    }

    /// Load the settings from flags, the environment and files.
    ///
    /// # Errors
    /// `config.invalid`.
    pub(super) fn load(&self) -> Result<LoadedConfig> {
        let mut loader = ConfigLoader::of_process();
        if let Some(file) = &self.file {
            loader = loader.file(file);
        }
        for (name, flag, text) in &self.given {
            loader = loader.flag(name, flag, text);
        }
        loader.load()
    }

    /// Whether to print the settings and do nothing else.
    pub(super) fn print(&self) -> bool {
        self.print
    }
}

impl Args for SettingsArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Settings file (TOML) [default: clipflow.toml here, over that of the user]");
        let print = Arg::new("print_config").long("print-config").action(ArgAction::SetTrue).help(
            "Print every setting and where it comes from, as a settings file; do nothing else",
        );
        let command = command.next_help_heading("Settings").args([file, print]);
        let defaults = ParallelConfig::default();
        let command = SETTINGS.iter().fold(command, |command, setting| {
            command.next_help_heading(setting.heading).args(flags(setting, &defaults))
        });
        command.next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The flags of a setting: one that takes a value, or a pair that switches on and off.
fn flags(setting: &'static Setting, defaults: &ParallelConfig) -> Vec<Arg> {
    let default = defaults.get(setting.name).unwrap_or_default();
    let long_name = setting.name.replace('_', "-");
    let is_rare = !COMMON.contains(&setting.name);
    let flag = |id: String, flag: String, alias: String| {
        let arg = Arg::new(id).long(flag.clone()).hide_short_help(is_rare);
        if alias == flag { arg } else { arg.alias(alias) }
    };
    let on = flag(setting.name.to_owned(), setting.flag.to_owned(), long_name.clone());
    if setting.kind != SettingKind::Switch {
        let shown =
            if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
        let help = format!("{}{shown}", setting.help());
        let on = on.value_name(value_name(setting)).help(help).allow_hyphen_values(true);
        return vec![match setting.kind {
            SettingKind::Backend => {
                // One that is not built in is not listed, and refused by the check that all share.
                let value = |backend: BackendType| {
                    let is_there = BackendType::available().contains(&backend);
                    let value = PossibleValue::new(backend.as_str()).hide(!is_there);
                    if backend == BackendType::Dask { value.alias("distributed") } else { value }
                };
                on.ignore_case(true).value_parser(BackendType::ALL.map(value))
            }
            SettingKind::Choice(names) => on
                .ignore_case(true)
                .value_parser(names.iter().copied().map(PossibleValue::new).collect::<Vec<_>>()),
            _ => on,
        }];
    }
    let is_on = default == "true";
    let off_flag = format!("no-{}", setting.flag);
    let off = flag(off_id(setting), off_flag, format!("no-{long_name}"));
    // The flag that repeats the default is hidden.
    let on_help = setting.help();
    let off_help = format!("Do not {}", on_help.to_lowercase());
    vec![
        on.action(ArgAction::SetTrue).hide(is_on).overrides_with(off_id(setting)).help(on_help),
        off.action(ArgAction::SetTrue).hide(!is_on).overrides_with(setting.name).help(off_help),
    ]
}

fn off_id(setting: &Setting) -> String {
    format!("no_{}", setting.name)
}

fn value_name(setting: &Setting) -> String {
    let unit = setting.range.map_or("", |r| r.unit);
    match setting.kind {
        SettingKind::Backend => "BACKEND".to_owned(),
        SettingKind::Choice(_) => "MODE".to_owned(),
        SettingKind::Path if setting.name.ends_with("_dir") => "DIR".to_owned(),
        SettingKind::Path => "FILE".to_owned(),
        SettingKind::Text if setting.name.ends_with("_url") => "URL".to_owned(),
        SettingKind::Text if setting.name.ends_with("_listen") => "ADDRESS".to_owned(),
        SettingKind::Text => "NAME".to_owned(),
        SettingKind::Number if !unit.is_empty() => unit.to_ascii_uppercase(),
        SettingKind::Switch | SettingKind::Whole | SettingKind::Number => "N".to_owned(),
    }
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        self.file = matches.get_one::<PathBuf>("config").cloned();
        self.print = matches.get_flag("print_config");
        self.given.clear();
        for setting in SETTINGS {
            let flag = format!("--{}", setting.flag);
            if setting.kind == SettingKind::Switch {
                if is_given(setting.name) {
                    self.given.push((setting.name, flag, "true".to_owned()));
                } else if is_given(&off_id(setting)) {
                    self.given.push((
                        setting.name,
                        format!("--no-{}", setting.flag),
                        "false".to_owned(),
                    ));
                }
            } else if let Some(text) = matches.get_one::<String>(setting.name) {
                self.given.push((setting.name, flag, text.clone()));
            }
        }
        Ok(())
    }
}
