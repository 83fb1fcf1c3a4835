//! The description of a setting, and the macro that generates a struct from a table of settings.

use super::{BackendType, SETTINGS};
use crate::sandbox::SandboxMode;

/// One setting of [`ParallelConfig`](super::ParallelConfig): the struct, its builder, the command's
/// flags, the environment, files, SQL and the documents all read this.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Field of the struct, key in a file, `clipflow.NAME` in SQL.
    pub name: &'static str,
    /// Long flag of the command, without dashes.
    pub flag: &'static str,
    /// Heading of its group.
    pub heading: &'static str,
    /// What kind of value it takes.
    pub kind: SettingKind,
    /// Allowed numbers.
    pub range: Option<SettingRange>,
    pub(super) doc: &'static str,
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// true or false.
    Switch,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A file or folder, or the URL of one where that is allowed.
    Path,
    /// A name or address, not a path.
    Text,
    /// A [`BackendType`].
    Backend,
    /// One of these names.
    Choice(&'static [&'static str]),
}

/// The allowed numbers of a setting, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettingRange {
    /// Smallest allowed value.
    pub min: f64,
    /// Largest allowed value.
    pub max: f64,
    /// Unit; empty for a pure number.
    pub unit: &'static str,
}

impl Setting {
    /// Find a setting by name or flag; `-` counts as `_`.
    pub fn find(key: &str) -> Option<&'static Self> {
        let key = key.replace('-', "_");
        SETTINGS.iter().find(|s| s.name == key || s.flag.replace('-', "_") == key)
    }

    /// Find the setting whose name or flag is most similar to `key`, if one is similar enough.
    pub fn nearest(key: &str) -> Option<&'static Self> {
        let key = key.to_ascii_lowercase().replace('-', "_");
        let likeness = |setting: &Self| {
            let names = [setting.name.to_owned(), setting.flag.replace('-', "_")];
            names
                .map(|n| strsim::normalized_damerau_levenshtein(&key, &n))
                .into_iter()
                .fold(0.0, f64::max)
        };
        let best = SETTINGS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        (likeness(best) >= ALIKE).then_some(best)
    }

    /// Documentation in one or two sentences, names in backticks.
    pub fn description(&self) -> &'static str {
        self.doc.trim()
    }

    /// Documentation as plain text, for the help of the command.
    pub fn help(&self) -> String {
        self.description().trim_end_matches('.').replace('`', "")
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// The values it takes, as the end of a sentence that begins with "give".
    pub fn allowed(&self) -> String {
        let what = match self.kind {
            SettingKind::Switch => return "true or false".to_owned(),
            SettingKind::Path => return "a path".to_owned(),
            SettingKind::Text => return "a text".to_owned(),
            SettingKind::Choice(names) => return format!("one of {}", names.join(", ")),
            SettingKind::Backend => {
                return format!("one of {}", BackendType::names());
            }
            SettingKind::Whole => "a whole number",
            SettingKind::Number => "a number",
        };
        let Some(SettingRange { min, max, unit }) = self.range else { return what.to_owned() };
        let of = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
        format!("{what}{of} from {min} to {max}")
    }
}

/// Similarity from which a name counts as a misspelling of another.
const ALIKE: f64 = 0.75;

/// How environment variables begin.
pub(super) const PREFIX: &str = "CLIPFLOW_";

/// A Rust type that settings have.
pub(super) trait SettingValue: Sized {
    /// What kind of value that is.
    const KIND: SettingKind;

    /// The value of a text.
    fn parse(text: &str) -> Option<Self>;

    /// The text of a value, which parses to the same.
    fn text(&self) -> String;

    /// The value as a number, if it is one.
    fn number(&self) -> Option<f64> {
        None
    }
}

macro_rules! numbers {
    ($($type:ty => $kind:ident)+) => {$(
        impl SettingValue for $type {
            const KIND: SettingKind = SettingKind::$kind;

            fn parse(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn text(&self) -> String {
                self.to_string()
            }

            fn number(&self) -> Option<f64> {
                Some(*self as f64)
            }
        }
    )+};
}

numbers! { usize => Whole u32 => Whole f64 => Number }

impl SettingValue for bool {
    const KIND: SettingKind = SettingKind::Switch;

    fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for String {
    const KIND: SettingKind = SettingKind::Path;

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

/// A value that is neither a number nor a path: a name or an address.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SettingText(String);

impl std::fmt::Display for SettingText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::ops::Deref for SettingText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for SettingText {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl SettingValue for SettingText {
    const KIND: SettingKind = SettingKind::Text;

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.trim().to_owned()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

impl SettingValue for SandboxMode {
    const KIND: SettingKind = SettingKind::Choice(SandboxMode::NAMES);

    fn parse(text: &str) -> Option<Self> {
        SandboxMode::parse(text)
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl SettingValue for BackendType {
    const KIND: SettingKind = SettingKind::Backend;

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

/// The struct, its defaults, its builder and [`SETTINGS`], from one list of
/// `name: type = default, flag "…", from MIN to MAX "unit";` under headings. The documentation of a
/// setting is its help everywhere.
macro_rules! settings {
    (
        $(#[$about:meta])* $struct:ident, $(#[$about_builder:meta])* $builder:ident;
        $($heading:literal {$(
            $(#[doc = $doc:literal])+
            $field:ident: $type:ty = $default:expr, flag $flag:literal
                $(, from $min:literal to $max:literal $unit:literal)?;
        )+})+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $struct {$($(
            $(#[doc = $doc])+
            pub $field: $type,
        )+)+}

        impl Default for $struct {
            fn default() -> Self {
                Self {$($($field: $default,)+)+}
            }
        }

        /// Every setting, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[$($(Setting {
            name: stringify!($field),
            flag: $flag,
            heading: $heading,
            kind: <$type as SettingValue>::KIND,
            range: settings!(@range $($min, $max, $unit)?),
            doc: concat!($($doc),+),
        },)+)+];

        impl $struct {
            /// Assign the value of a text; `None` if it is not of the setting's type.
            fn assign(&mut self, name: &str, text: &str) -> Option<()> {
                match name {
                    $($(stringify!($field) => self.$field = SettingValue::parse(text)?,)+)+
                    _ => return None,
                }
                Some(())
            }

            /// The value of a setting as text, as [`Self::set`] takes it; `None` if there is no
            /// setting of that name.
            pub fn get(&self, name: &str) -> Option<String> {
                match name {
                    $($(stringify!($field) => Some(self.$field.text()),)+)+
                    _ => None,
                }
            }

            fn number(&self, name: &str) -> Option<f64> {
                match name {
                    $($(stringify!($field) => self.$field.number(),)+)+
                    _ => None,
                }
            }
        }

        $(#[$about_builder])*
        #[derive(Debug, Clone, Default)]
        pub struct $builder($struct);

        impl $builder {
            $($(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $field(mut self, value: $type) -> Self {
                    self.0.$field = value;
                    self
                }
            )+)+
        }
    };
    (@range) => { None };
    (@range $min:literal, $max:literal, $unit:literal) => {
        Some(SettingRange { min: $min as f64, max: $max as f64, unit: $unit })
    };
}

pub(super) use settings;
