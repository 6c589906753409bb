//! The list of all components, and the checks it must pass before anything starts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::component::{Component, ComponentSpec};
use crate::error::Invalid;
use crate::features::FeatureSchema;
use crate::query::FeatureSet;
use crate::runner::{Runner, Typed};

/// One row of the catalogue.
#[derive(Clone)]
pub struct Entry {
    /// The name it runs under; that of its spec unless it was renamed.
    pub name: Cow<'static, str>,
    /// The component behind it.
    pub runner: &'static dyn Runner,
}

impl Entry {
    /// The row of a typed component.
    #[must_use]
    pub const fn of<C: Component>() -> Self {
        Self { name: Cow::Borrowed(C::SPEC.name), runner: Typed::<C>::RUNNER }
    }

    /// The same component under another name.
    #[must_use]
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), runner: self.runner }
    }

    /// The component's spec.
    #[must_use]
    pub fn spec(&self) -> &'static ComponentSpec {
        self.runner.spec()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Declares the component modules of a crate and lists them in `CATALOGUE`.
///
/// Each word names a module that exports `pub const ENTRY: Entry`.
#[macro_export]
macro_rules! catalogue {
    ($($module:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// Every component there is.
        pub static CATALOGUE: &[$crate::catalogue::Entry] = &[$($module::ENTRY),*];
    };
}

/// Checks a catalogue: names unique, inputs known and none an outcome, every producer present, no cycle.
/// Returns the entries' indices in training order: whoever is consumed comes first, ties in catalogue order.
///
/// # Errors
/// The first thing wrong, naming the component.
pub fn training_order(entries: &[Entry]) -> Result<Vec<usize>, Invalid> {
    let mut index = BTreeMap::new();
    for (i, entry) in entries.iter().enumerate() {
        if index.insert(entry.name.as_ref(), i).is_some() {
            let expected = "give every component a name of its own";
            return Err(Invalid::new(entry.name.as_ref(), "the name is used twice", expected));
        }
        let inputs = entry.spec().inputs.iter().map(|&name| name.to_owned()).collect();
        FeatureSet::Named(inputs)
            .indices(FeatureSchema::current())
            .map_err(|e| Invalid::new(format!("{}.inputs", entry.name), e.problem, e.expected))?;
        if let Some(missing) = entry.spec().consumes.iter().find(|&&c| !entries.iter().any(|e| e.name == c)) {
            let problem = format!("nothing produces `{missing}`");
            return Err(Invalid::new(format!("{}.consumes", entry.name), problem, "enable that component as well"));
        }
    }
    let mut order = Vec::with_capacity(entries.len());
    let mut placed = BTreeSet::new();
    while order.len() < entries.len() {
        let ready = entries.iter().enumerate().find(|(i, entry)| {
            !placed.contains(i)
                && entry.spec().consumes.iter().all(|c| index.get(c).is_some_and(|j| placed.contains(j)))
        });
        let Some((next, _)) = ready else {
            let stuck = entries.iter().enumerate().find(|(i, _)| !placed.contains(i));
            let name = stuck.map_or("", |(_, entry)| entry.name.as_ref());
            return Err(Invalid::new(
                format!("{name}.consumes"),
                "it consumes from itself in a circle",
                "break the circle",
            ));
        };
        placed.insert(next);
        order.push(next);
    }
    Ok(order)
}
