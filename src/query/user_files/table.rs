//! Users' files as a table of a session, once it is said what each column is for.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::exec::TypedExec;
use super::open::UserFiles;
use super::role::Role;
use super::scan::GroupScan;
use super::steps::{Reading, Step, Steps};
use super::{FileKind, unreadable};
use crate::kernels::cells::{Clock, Zone, is_text};

/// A column of the table.
#[derive(Debug, Clone)]
pub(crate) struct TableColumn {
    /// Its name in the table, and with it the type of a column that is ours.
    pub(crate) field: Field,
    /// Its name in the files; none: it is missing in every row.
    pub(crate) from: Option<String>,
    /// What it is for.
    pub(crate) role: Role,
}

/// In a session's configuration: scans planned there read texts that come as views, though the
/// table says that they are plain.
#[derive(Debug)]
pub(crate) struct TextViews;

/// See the module.
#[derive(Debug)]
pub(crate) struct UserTable {
    groups: Vec<Arc<GroupScan>>,
    columns: Vec<TableColumn>,
    /// Of each column where each group has it.
    positions: Vec<Vec<Option<usize>>>,
    /// Where each group has the column `event`.
    events: Vec<Option<usize>>,
    schema: SchemaRef,
    clock: Clock,
    horizon: Option<i64>,
    skips: bool,
}

impl UserTable {
    /// Of `files`, with `columns`.
    ///
    /// # Errors
    /// `input.column` if a column that is ours holds lists or structs.
    pub(crate) fn try_new(
        files: UserFiles,
        mut columns: Vec<TableColumn>,
        clock: Clock,
        horizon: Option<i64>,
    ) -> crate::Result<Self> {
        let at = |column: &TableColumn| match &column.from {
            Some(name) => files.positions(name),
            None => vec![None; files.groups.len()],
        };
        let positions: Vec<Vec<Option<usize>>> = columns.iter().map(at).collect();
        for (column, positions) in columns.iter_mut().zip(&positions) {
            let types: Vec<&DataType> = files
                .groups
                .iter()
                .zip(positions)
                .filter_map(|(group, at)| {
                    Some(group.schema.table_schema().field((*at)?).data_type())
                })
                .collect();
            let is_mixed = || types.windows(2).any(|two| two[0] != two[1]);
            if let Some(nested) = types.iter().find(|t| t.is_nested())
                && (column.role != Role::Plain || is_mixed())
            {
                let (name, place) = (column.from.clone().unwrap_or_default(), &files.place);
                return Err(crate::Error::new(
                    crate::ErrorCode::InputColumn,
                    format!(
                        "the column {name} of {place} holds {nested}{}",
                        match column.role {
                            Role::Plain =>
                                " in some files and something else in others; give them one type",
                            _ => ", not single values; leave it out or write one value a row",
                        }
                    ),
                ));
            }
            if matches!(column.role, Role::Id | Role::Own | Role::Plain) && column.from.is_some() {
                let data_type = common(&types, column.role);
                column.field = column.field.clone().with_data_type(data_type);
            }
        }
        let fields: Vec<Field> =
            columns.iter().map(|c| c.field.clone().with_nullable(true)).collect();
        let events = files.positions("event");
        if files.groups.is_empty() {
            return Err(unreadable(&files.place, "there is no file"));
        }
        Ok(Self {
            groups: files.groups.into_iter().map(Arc::new).collect(),
            columns,
            positions,
            events,
            schema: Arc::new(Schema::new(fields)),
            clock,
            horizon,
            skips: false,
        })
    }

    /// Of `files`, with all of their columns as they are.
    ///
    /// # Errors
    /// `input.column` if a column holds lists or structs in some files and something else in others.
    pub(crate) fn of_all(files: UserFiles) -> crate::Result<Self> {
        let column = |name: String| TableColumn {
            field: Field::new(&name, DataType::Utf8, true),
            from: Some(name),
            role: Role::Plain,
        };
        let columns = files.names().into_iter().map(column).collect();
        Self::try_new(files, columns, Clock::default(), None)
    }

    /// Leave out rows with a cell that does not fit its column, instead of failing.
    #[must_use]
    pub(crate) fn skipping(self, skips: bool) -> Self {
        Self { skips, ..self }
    }

    /// Columns that a row is left out for. All readings leave out the same rows, whatever they project.
    fn checked(&self) -> impl Iterator<Item = usize> {
        let fits = |column: &TableColumn| matches!(column.role, Role::Own | Role::Plain);
        let all = self.columns.iter().enumerate().filter(move |(_, column)| !fits(column));
        all.filter(|_| self.skips).map(|(index, _)| index)
    }

    fn steps(&self, group: usize, projection: &[usize]) -> Result<Steps> {
        let mut read = vec![];
        let mut place = |column: usize| match read.iter().position(|known| *known == column) {
            Some(place) => place,
            None => {
                read.push(column);
                read.len() - 1
            }
        };
        let at = |positions: &[Option<usize>]| positions.get(group).copied().flatten();
        let files = self.groups.get(group).map(|group| group.schema.table_schema());
        let (mut steps, mut checked) = (vec![], vec![]);
        let wanted = projection.iter().copied().map(|index| (index, false));
        let further = self.checked().filter(|index| !projection.contains(index));
        for (index, is_checked) in wanted.chain(further.map(|index| (index, true))) {
            let (Some(column), Some(positions)) =
                (self.columns.get(index), self.positions.get(index))
            else {
                continue;
            };
            let is_value = column.role == Role::Value;
            let name = at(positions).zip(files).map(|(at, files)| files.field(at).name().clone());
            let step = Step {
                name: name.unwrap_or_default(),
                role: column.role,
                from: at(positions).map(&mut place),
                event: at(&self.events).filter(|_| is_value).map(&mut place),
            };
            match is_checked {
                false => steps.push(step),
                true => checked.push((step, self.schema.field(index).data_type().clone())),
            }
        }
        Ok(Steps {
            read,
            steps,
            checked,
            skips: self.skips,
            schema: Arc::new(self.schema.project(projection)?),
            clock: self.clock,
            horizon: self.horizon,
        })
    }

    /// Whether a column is text of Parquet files, in all of them.
    fn is_stored_text(&self, index: usize) -> bool {
        let Some((column, positions)) = self.columns.get(index).zip(self.positions.get(index))
        else {
            return false;
        };
        let to = self.schema.field(index).data_type();
        let is_same = |(group, at): (&Arc<GroupScan>, &Option<usize>)| {
            let field = at.and_then(|at| group.schema.file_schema().fields().get(at));
            group.kind == FileKind::Parquet && field.is_some_and(|f| f.data_type() == to)
        };
        matches!(column.role, Role::Id | Role::Own)
            && matches!(to, DataType::Utf8 | DataType::LargeUtf8)
            && self.groups.iter().zip(positions).all(is_same)
    }

    /// The scan and the steps of a group; with the texts of Parquet files as views for [`TextViews`].
    fn group(
        &self,
        number: usize,
        projection: &[usize],
        views: bool,
    ) -> Result<Option<(Arc<GroupScan>, Steps)>> {
        let Some(group) = self.groups.get(number) else { return Ok(None) };
        let mut steps = self.steps(number, projection)?;
        if !views {
            return Ok(Some((Arc::clone(group), steps)));
        }
        let texts: Vec<usize> =
            projection.iter().copied().filter(|index| self.is_stored_text(*index)).collect();
        let at = |index: &usize| self.positions.get(*index)?.get(number).copied().flatten();
        let group = group.with_views(&texts.iter().filter_map(at).collect::<Vec<_>>());
        let fields = projection.iter().zip(steps.schema.fields()).map(|(index, field)| match texts
            .contains(index)
        {
            true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
            false => Arc::clone(field),
        });
        steps.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Some((Arc::new(group), steps)))
    }

    /// Whether a filter can skip parts of files by their statistics: those of whole numbers, days and
    /// times that are stored as what they are. Text is trimmed first, and floats can be NaN.
    fn can_skip(&self, filter: &Expr) -> bool {
        let mut can = true;
        let looked = filter.apply(|e| {
            can &= match e {
                Expr::Column(column) => self.is_stored_as_it_is(column.name()),
                Expr::BinaryExpr(_) | Expr::Literal(..) | Expr::Between(_) => true,
                _ => false,
            };
            Ok(TreeNodeRecursion::Continue)
        });
        looked.is_ok() && can
    }

    fn is_stored_as_it_is(&self, name: &str) -> bool {
        let Ok(index) = self.schema.index_of(name) else { return false };
        let to = self.schema.field(index).data_type();
        let is_exact = to.is_integer()
            || *to == DataType::Date32
            || (*to == DataType::Timestamp(TimeUnit::Microsecond, None)
                && matches!(self.clock.zone, Zone::Utc));
        let Some(positions) = self.positions.get(index) else { return false };
        let is_same = |(group, at): (&Arc<GroupScan>, &Option<usize>)| {
            at.is_some_and(|at| {
                let field = group.schema.table_schema().field(at);
                group.kind == FileKind::Parquet && field.data_type() == to && field.name() == name
            })
        };
        is_exact && self.groups.iter().zip(positions).all(is_same)
    }
}

/// The type that holds the values of all files.
fn common(types: &[&DataType], role: Role) -> DataType {
    let id = |t: &DataType| match t {
        DataType::Dictionary(_, value) if is_text(value) => t.clone(),
        t if is_text(t) || t.is_integer() => t.clone(),
        _ => DataType::Utf8,
    };
    let types: Vec<DataType> = types
        .iter()
        .filter(|t| ***t != DataType::Null)
        .map(|t| if role == Role::Id { id(t) } else { (*t).clone() })
        .collect();
    let Some(first) = types.first() else { return DataType::Utf8 };
    if types.iter().all(|t| t == first) {
        return first.clone();
    }
    let is_whole = |t: &DataType| t.is_integer() && *t != DataType::UInt64;
    let zone = |t: &DataType| match t {
        DataType::Timestamp(_, zone) => Some(zone.clone()),
        _ => None,
    };
    match first {
        _ if types.iter().all(is_whole) => DataType::Int64,
        _ if types.iter().all(|t| is_whole(t) || t.is_floating()) => DataType::Float64,
        DataType::Timestamp(_, of) if types.iter().all(|t| zone(t).as_ref() == Some(of)) => {
            DataType::Timestamp(TimeUnit::Microsecond, of.clone())
        }
        _ => DataType::Utf8,
    }
}

#[async_trait]
impl TableProvider for UserTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let skips = |filter: &&Expr| match self.can_skip(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(skips).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let projection = projection.unwrap_or(&all);
        let reading = Arc::new(Reading::default());
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = vec![];
        let views = session.config().get_extension::<TextViews>().is_some();
        for number in 0..self.groups.len() {
            let Some((group, steps)) = self.group(number, projection, views)? else { continue };
            let predicate = predicate(session, &group, filters)?;
            let input = group.plan(session, steps.read.clone(), predicate).await?;
            let reading = Arc::clone(&reading);
            plans.push(Arc::new(TypedExec::new(input, group, Arc::new(steps), reading)));
        }
        match plans.pop() {
            Some(only) if plans.is_empty() => Ok(only),
            Some(last) => {
                plans.push(last);
                UnionExec::try_new(plans)
            }
            None => datafusion::common::internal_err!("a table of no files"),
        }
    }
}

/// The filters over the columns of the files of a group.
fn predicate(
    session: &dyn Session,
    group: &GroupScan,
    filters: &[Expr],
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(all) = conjunction(filters.iter().cloned()) else { return Ok(None) };
    let schema = DFSchema::try_from(Arc::clone(group.schema.table_schema()))?;
    session.create_physical_expr(all, &schema).map(Some)
}
