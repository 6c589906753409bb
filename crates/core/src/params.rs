//! Hyperparameters: unchecked as configured, checked before use.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Invalid;

/// One configuration section. `Default` is the section nobody wrote.
///
/// Implementors derive `Deserialize` with `#[serde(default, deny_unknown_fields)]`.
pub trait Hyperparams: Serialize + DeserializeOwned + JsonSchema + Default + Clone + Send + Sync + 'static {
    /// The form training takes: every value known to be in range.
    type Checked: Send + Sync + 'static;

    /// Checks every value.
    ///
    /// # Errors
    /// The first value out of range.
    fn check(self) -> Result<Self::Checked, Invalid>;
}
