//! What happened to variants after posting: performance, experiments, training, scores.
//!
//! Queries over events and a results dataset. Nothing here touches media or sources; see
//! [`crate::pipeline`] for what makes the results.

mod events_function;
mod experiment;
mod import_events;
mod looks;
mod performance;
mod register;
mod results_session;
mod score;
mod train;
mod train_selection;
mod trials;

pub use experiment::{ExperimentQuery, Experiments, experiment, register_experiment};
pub use import_events::{
    DecimalSign, Export, ImportOptions, Imported, ImportedColumn, import_events,
};
pub use performance::{
    Performance, PerformanceQuery, left_out_rows, performance, plan_performance, register_events,
    register_performance,
};
pub use register::{register_all, register_all_with};
pub use results_session::{ResultsQuery, ResultsSession};
pub use score::score;
pub use train::{TrainQuery, Trained, train};
pub use train_selection::{TrainedWeights, train_selection, train_selection_in};
