//! The registry of models, as an application uses it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_actors::CallError;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Manifest, Registry, Stage, Store, StoreError, Verdict, VersionPage, VersionRow};

use crate::runtime::Runtime;

/// Longest alias.
const ALIAS_BYTES: usize = 100;

/// Names every component's models have anyway.
const RESERVED: [&str; 2] = ["live", "newest"];

/// A page of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelList {
    /// The models, newest first.
    pub models: Vec<VersionRow>,
    /// Where the next page begins: give it as `before`. Absent on the last.
    pub next: Option<Seq>,
}

/// A model with its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelShown {
    /// The model.
    pub model: VersionRow,
    /// Its manifest; absent if it was made before there was one.
    pub manifest: Option<Manifest>,
}

/// A model and whether it is what was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// The model.
    pub model_id: String,
    /// Whether it is what was committed.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The registry of a store.
pub(crate) fn registry(store: &dyn Store) -> Result<&dyn Registry, StoreError> {
    store.registry().ok_or_else(|| StoreError::Refused("this store keeps no registry of models".to_owned()))
}

impl Runtime {
    /// The models of a page, newest first.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn models(&self, page: VersionPage) -> Result<ModelList, CallError> {
        let limit = page.limit;
        let models = self.read(move |store| registry(store)?.versions(&page)).await?;
        let next = models.last().map(|last| last.seq).filter(|_| models.len() == limit);
        Ok(ModelList { models, next })
    }

    /// The model of this name: its own, `component@alias`, `component@live`, `component@newest` or `component@NUMBER`.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] inside [`CallError::Store`]; [`CallError::Busy`].
    pub async fn model(&self, name: &str) -> Result<ModelShown, CallError> {
        let name = name.to_owned();
        self.read(move |store| {
            let registry = registry(store)?;
            let model = registry.version(&name)?;
            Ok(ModelShown { manifest: registry.manifest(model.seq)?, model })
        })
        .await
    }

    /// Whether a model is what was committed.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub async fn verify_model(&self, name: &str) -> Result<Verified, CallError> {
        let name = name.to_owned();
        self.read(move |store| {
            let registry = registry(store)?;
            let model = registry.version(&name)?;
            Ok(Verified { verdict: registry.verify(model.seq)?, model_id: model.model_id })
        })
        .await
    }

    /// Makes a model its component's live one. Returns once the component answers from it.
    ///
    /// # Errors
    /// As [`model`](Self::model); [`StoreError::Refused`] if its snapshot is gone or damaged.
    pub async fn promote(&self, name: &str) -> Result<VersionRow, CallError> {
        let name = name.to_owned();
        let model = self
            .read(move |store| {
                let registry = registry(store)?;
                let model = registry.version(&name)?;
                match registry.stored(model.seq)?.flaw {
                    Some(flaw) => Err(StoreError::Refused(format!("`{}` cannot be live: {flaw}", model.model_id))),
                    None => Ok(model),
                }
            })
            .await?;
        self.make_live(model, "promoted by hand").await
    }

    /// Goes back to the model a component answered from before the live one. Returns once it answers from that.
    ///
    /// # Errors
    /// As [`promote`](Self::promote); [`StoreError::Refused`] if there is none to go back to.
    pub async fn rollback(&self, component: &str) -> Result<VersionRow, CallError> {
        let component = component.to_owned();
        let before = self
            .read(move |store| {
                let registry = registry(store)?;
                let live = registry.version(&format!("{component}@live"))?;
                for seq in registry.servable(&component, usize::MAX)? {
                    if seq < live.seq && registry.stored(seq)?.flaw.is_none() {
                        return registry.at(seq);
                    }
                }
                let text = format!("there is no model of `{component}` before version {} to go back to", live.version);
                Err(StoreError::Refused(text))
            })
            .await?;
        self.make_live(before, "gone back to").await
    }

    async fn make_live(&self, model: VersionRow, reason: &'static str) -> Result<VersionRow, CallError> {
        let seq = model.seq;
        let live = self.read(move |store| registry(store)?.promote(seq, reason).wait()).await?;
        self.adopt(&live.component).await?;
        Ok(live)
    }

    /// Gives a model another name within its component, and takes it from the one that had it. An empty name is refused.
    ///
    /// # Errors
    /// As [`model`](Self::model); [`CallError::Invalid`] for a name that cannot be one.
    pub async fn set_alias(&self, name: &str, alias: &str) -> Result<VersionRow, CallError> {
        check_alias(alias)?;
        let (name, alias) = (name.to_owned(), alias.to_owned());
        self.read(move |store| {
            let registry = registry(store)?;
            let model = registry.version(&name)?;
            registry.set_alias(model.seq, &alias).wait()
        })
        .await
    }

    /// Takes a name away from a component's models. `false` if none had it.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn drop_alias(&self, component: &str, alias: &str) -> Result<bool, CallError> {
        let (component, alias) = (component.to_owned(), alias.to_owned());
        self.read(move |store| registry(store)?.drop_alias(&component, &alias).wait()).await
    }
}

/// Refuses what would mean something else.
fn check_alias(alias: &str) -> Result<(), souffleur_core::error::Invalid> {
    let fits = (1..=ALIAS_BYTES).contains(&alias.len())
        && alias.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !alias.bytes().all(|byte| byte.is_ascii_digit())
        && !RESERVED.contains(&alias);
    if fits {
        return Ok(());
    }
    let expected = format!(
        "write 1 to {ALIAS_BYTES} letters, digits, `-`, `_` or `.`, not digits alone, and none of {}",
        RESERVED.join(", ")
    );
    Err(souffleur_core::error::Invalid::new("alias", "cannot be an alias", expected))
}

/// Reads a stage's name.
///
/// # Errors
/// What would be right.
pub(crate) fn stage(name: &str) -> Result<Stage, String> {
    Stage::parse(name).ok_or_else(|| "write candidate, live or archived".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_cannot_be_taken_for_something_else() {
        for good in ["stable", "a.b-c_1", "v2"] {
            assert!(check_alias(good).is_ok(), "{good}");
        }
        for bad in ["", "live", "newest", "12", "a@b", "a b", "ä"] {
            assert!(check_alias(bad).is_err(), "{bad}");
        }
    }
}
