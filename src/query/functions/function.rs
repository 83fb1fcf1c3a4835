//! [`Function`]: a kernel with its name, arguments and documentation, for any engine.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use super::columns::{as_type, misused};
use crate::error::Result;
use crate::query::arguments::{About, FunctionArguments};
use crate::query::settings::SessionSettings;

/// From columns of one length to a column of that length.
type Kernel = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// The text of a setting that stands for the last argument where a call leaves it out; `None`: the setting
/// has its default.
type FromSettings = fn(&SessionSettings) -> Option<String>;

/// A kernel with its name, arguments and documentation. The same name has the same kernel everywhere: what
/// varies between calls is an argument, or a setting of the session that stands for the last one.
#[derive(Clone)]
pub(in crate::query) struct Function {
    pub(in crate::query) name: &'static str,
    pub(in crate::query) arguments: FunctionArguments,
    pub(in crate::query) return_type: DataType,
    setting: Option<FromSettings>,
    about: About,
    kernel: Arc<Kernel>,
}

impl Function {
    /// A function of its arguments alone.
    pub(super) fn new(
        name: &'static str,
        arguments: FunctionArguments,
        return_type: DataType,
        about: About,
        kernel: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self { name, arguments, return_type, setting: None, about, kernel: Arc::new(kernel) }
    }

    /// A setting stands for the last argument where a call leaves it out.
    pub(super) fn with_setting(self, setting: FromSettings) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// Run the kernel over columns of one length.
    ///
    /// # Errors
    /// `query.invalid` for a wrong number or type of arguments, else what the kernel says.
    pub(in crate::query) fn call(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let types = self.arguments.coerced(self.name, &types).map_err(misused)?;
        let columns = columns.iter().zip(&types).map(|(column, to)| as_type(column, to));
        (self.kernel)(&columns.collect::<Result<Vec<_>>>()?)
    }

    /// What it does and how it is called.
    pub(in crate::query) fn documentation(&self) -> Documentation {
        self.arguments.documentation(self.name, &self.about)
    }

    /// The function for a DataFusion session.
    pub(in crate::query) fn into_sql(self) -> ScalarUDF {
        // A function that reads a setting gives the same within a statement, not for ever.
        let volatility =
            if self.setting.is_some() { Volatility::Stable } else { Volatility::Immutable };
        let signature = self.arguments.signature(volatility);
        let documentation = self.documentation();
        ScalarUDF::new_from_impl(SqlFunction { function: self, signature, documentation })
    }

    /// The last argument of a call that leaves it out, from the settings of its session.
    fn omitted(&self, given: usize, options: &ConfigOptions) -> Option<String> {
        let setting = self.setting.filter(|_| self.arguments.lacks_optional(given))?;
        setting(options.extensions.get::<SessionSettings>()?)
    }
}

/// A [`Function`] in a DataFusion session.
struct SqlFunction {
    function: Function,
    signature: Signature,
    documentation: Documentation,
}

impl fmt::Debug for SqlFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlFunction").field("name", &self.function.name).finish_non_exhaustive()
    }
}

impl PartialEq for SqlFunction {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for SqlFunction {}

impl Hash for SqlFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for SqlFunction {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(self.function.return_type.clone())
    }

    fn coerce_types(&self, given: &[DataType]) -> PlanResult<Vec<DataType>> {
        self.function.arguments.plan(self.function.name, given)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    /// Writes the setting that the call depends on into the plan: `EXPLAIN` shows it, and the plan gives the
    /// same answer in a process that has other settings.
    fn simplify(
        &self,
        mut args: Vec<Expr>,
        info: &SimplifyContext,
    ) -> PlanResult<ExprSimplifyResult> {
        let Some(text) = self.function.omitted(args.len(), info.config_options()) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        args.push(lit(text));
        let itself = Self {
            function: self.function.clone(),
            signature: self.signature.clone(),
            documentation: self.documentation.clone(),
        };
        let func = Arc::new(ScalarUDF::new_from_impl(itself));
        Ok(ExprSimplifyResult::Simplified(Expr::ScalarFunction(ScalarFunction { func, args })))
    }

    /// A constant argument is passed to the kernel as a column of the batch's length.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let mut given = args.args;
        // A plan that was not optimised.
        if let Some(text) = self.function.omitted(given.len(), &args.config_options) {
            given.push(ColumnarValue::Scalar(ScalarValue::from(text)));
        }
        let columns = ColumnarValue::values_to_arrays(&given)?;
        let result = self.function.call(&columns);
        result.map(ColumnarValue::Array).map_err(|e| DataFusionError::External(Box::new(e)))
    }
}
