//! What a treatment does, from records of who got it: identification, estimates, and attempts to refute them.
//!
//! 1. [`back_door`] says from a causal graph which variables to adjust for, or why nothing can be said.
//! 2. A [`Study`] holds these variables, the treatment and the outcome, and the probabilities of treatment if these were
//!    logged.
//! 3. [`RegressionAdjustment`], [`InverseWeighting`] and [`DoubleMachineLearning`] estimate the average effect; the last one
//!    also tells for whom it is how large ([`ConditionalEffects`]).
//! 4. [`refute`] tries to break the estimate, and [`e_value`](fn@e_value) says how strong an unmeasured cause would have to be.
//!
//! Where treated and untreated rows are not alike, no estimate is given: [`NoOverlap`] says why.

mod conditional;
mod cross_fitting;
mod cross_products;
mod double_machine_learning;
mod e_value;
mod errors;
mod estimate;
mod identification;
mod learners;
mod least_squares;
mod overlap;
mod picked_rows;
mod refuters;
mod regression;
mod separation;
mod study;
mod weighting;

pub use conditional::{ConditionalEffects, FinalStage};
pub use cross_fitting::CrossFitted;
pub use double_machine_learning::{
    DoubleMachineLearning, DoubleMachineLearningParams, DoubleMachineLearningValidParams, Effects,
};
pub use e_value::{EValue, e_value};
pub use errors::{CausalEffectError, CausalEffectParamsError, NoOverlap};
pub use estimate::{Estimand, Estimate};
pub use identification::{AdjustmentSet, NotIdentified, back_door};
pub use learners::{Basis, OutcomeLearner, PropensityLearner};
pub use overlap::Overlap;
pub use refuters::{Refutation, Refuter, refute};
pub use regression::{RegressionAdjustment, RegressionAdjustmentParams, RegressionAdjustmentValidParams};
pub use study::Study;
pub use weighting::{InverseWeighting, InverseWeightingParams, InverseWeightingValidParams, Weighted};
