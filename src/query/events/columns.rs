//! What each column of event files is for, and under which name it is carried.

use arrow::datatypes::{DataType, Field};

use super::form::Events;
use super::options::FURTHER;
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::event::{EventKind, daily_fields, raw_fields, rolled_fields};
use crate::query::user_files::{Role, TableColumn, UserFiles};

/// Columns that answers have beside metrics and what is grouped by.
const OF_ANSWERS: [&str; 4] = ["variants", "metric_version", "definitions", "left_out"];

/// The keys of events that can be grouped by.
pub(super) const KEYS: [&str; 3] = ["variant_id", "platform", "day"];

/// Columns with ids, which are text in every format.
pub(super) fn exact_names(renamed: &[(String, String)]) -> Vec<String> {
    let known = raw_fields().into_iter().chain(daily_fields());
    let names = known.map(|f| f.name().clone());
    let ours: Vec<String> =
        names.chain(["experiment_id", "account_id"].map(str::to_owned)).collect();
    let theirs = renamed.iter().filter(|(_, new)| ours.contains(new)).map(|(old, _)| old.clone());
    theirs.collect::<Vec<_>>().into_iter().chain(ours).collect()
}

/// The columns of event files.
pub(super) struct EventColumns {
    pub(super) form: Events,
    pub(super) columns: Vec<TableColumn>,
    /// Those that can be grouped by, in the order of the files.
    pub(super) dimensions: Vec<String>,
    /// Columns of the files that events have, by their names here.
    pub(super) known: Vec<String>,
    /// Columns of the files that mean nothing here, by the names that they can be grouped by.
    pub(super) others: Vec<String>,
    /// What was renamed, as sentences.
    pub(super) notes: Vec<String>,
}

impl EventColumns {
    /// Of `files`.
    ///
    /// # Errors
    /// `input.column` if they are of neither form, or do not say which variant they are of.
    pub(super) fn of(files: &UserFiles, place: &Location) -> Result<Self> {
        let figures: Vec<&str> = EventKind::ALL.into_iter().map(EventKind::figure).collect();
        let form = if files.has("event") {
            Events::Raw
        } else if figures.iter().any(|figure| files.has(figure)) {
            Events::Daily
        } else {
            return Err(misfit(
                files,
                place,
                "neither a column event (raw events) nor one of figures such as views (daily aggregates)",
            ));
        };
        if !files.has("variant_id") {
            return Err(misfit(files, place, "no column variant_id, which says what was seen"));
        }
        let known = match form {
            Events::Raw => raw_fields(),
            Events::Daily => daily_fields(),
        };
        let mut found = Self {
            form,
            columns: vec![],
            dimensions: vec![],
            known: vec![],
            others: vec![],
            notes: vec![],
        };
        for field in &known {
            let from = files.has(field.name()).then(|| field.name().clone());
            found.known.extend(from.clone());
            found.columns.push(TableColumn { role: role(field), field: field.clone(), from });
        }
        found.add_own(files, &known);
        Ok(found)
    }

    /// The columns that are the user's own, those with a name of ours under another.
    fn add_own(&mut self, files: &UserFiles, known: &[Field]) {
        let rolled = rolled_fields();
        let ours: Vec<&str> = known
            .iter()
            .chain(&rolled)
            .map(|f| f.name().as_str())
            .chain(["followers"])
            .chain(OF_ANSWERS)
            .collect();
        let names = files.names();
        for name in &names {
            let is_known = |f: &&Field| files.are_same(f.name(), name);
            if let Some(field) = known.iter().find(is_known) {
                if KEYS.contains(&field.name().as_str()) {
                    self.dimensions.push(field.name().clone());
                }
                continue;
            }
            if files.is_nested(name) {
                self.notes
                    .push(format!("the column {name} holds lists or objects and is left out"));
                continue;
            }
            let is_taken = |alias: &str| {
                names.iter().any(|n| n.eq_ignore_ascii_case(alias))
                    || self.columns.iter().any(|c| c.field.name().eq_ignore_ascii_case(alias))
            };
            let mut alias = files.new_name(name).to_owned();
            let is_meant = FURTHER.contains(&alias.as_str());
            if ours.iter().any(|our| our.eq_ignore_ascii_case(&alias)) {
                alias = format!("input_{name}");
                while is_taken(&alias) {
                    alias = format!("input_{alias}");
                }
                self.notes.push(format!(
                    "the column {name} of the events is named {alias} here, since {name} is a column of ours"
                ));
            }
            // Without times, a day is when.
            let is_day = alias.eq_ignore_ascii_case("day") && self.form == Events::Raw;
            let is_day = is_day && !files.has("ts");
            let (data_type, role) =
                if is_day { (DataType::Date32, Role::Day) } else { (DataType::Utf8, Role::Own) };
            let is_id = ["experiment_id", "account_id"].contains(&alias.as_str());
            let role = if is_id { Role::Id } else { role };
            let alias = if is_day { "day".to_owned() } else { alias };
            self.dimensions.push(alias.clone());
            if !is_day && !is_meant {
                self.others.push(alias.clone());
            }
            let field = Field::new(alias, data_type, true);
            self.columns.push(TableColumn { field, from: Some(name.clone()), role });
        }
    }
}

fn role(field: &Field) -> Role {
    match (field.name().as_str(), field.data_type()) {
        ("value", _) => Role::Value,
        (_, DataType::Int64) => Role::Count,
        (_, DataType::Float64) => Role::Seconds,
        (_, DataType::Date32) => Role::Day,
        (_, DataType::Timestamp(..)) => Role::Time,
        _ => Role::Id,
    }
}

fn misfit(files: &UserFiles, place: &Location, lacks: &str) -> Error {
    Error::new(
        ErrorCode::InputColumn,
        format!(
            "the events in {place} have {lacks}; they have {}; if one of these is meant, set columns, as in plays=views",
            files.names().join(", ")
        ),
    )
    .about("columns")
}
