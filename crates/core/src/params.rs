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

/// Checks that a value of the section `components.COMPONENT` lies in a range.
///
/// # Errors
/// It does not, or is not a number; says where, what it is, and what would be right.
pub fn within<T: PartialOrd + std::fmt::Display>(
    component: &str,
    name: &str,
    value: &T,
    low: T,
    high: T,
) -> Result<(), Invalid> {
    if *value >= low && *value <= high {
        return Ok(());
    }
    let at = format!("components.{component}.{name}");
    Err(Invalid::new(at, format!("is {value}"), format!("it must lie in [{low}, {high}]")))
}
