//! Questions that are asked again: answered from the cache, and known to whoever wants to prepare for them.
//!
//! An answer depends on the component, its parameters, the model and the question, and on nothing else. All of them are
//! in its key, so a new model is never answered for with an old answer.

use std::sync::Arc;

use serde_json::Value;
use souffleur_cache::{Cache, Key, LoadError};
use souffleur_core::error::ComponentError;
use tokio::sync::oneshot;

use crate::answer;
use crate::component::Identity;
use crate::compute::Work;
use crate::environment::Environment;
use crate::error::CallError;
use crate::health::board::Published;
use crate::outcome::{Frequent, FrequentBatch, FrequentQuestion};
use crate::settings::RETRY_AFTER_MS;

/// Answers to questions that were asked before.
pub type AnswerCache = Cache<CallError>;

/// Questions put to a new model because they were asked most of the one before.
const CARRIED_MAX: usize = 64;
/// A question asked less often is not carried over.
const CARRIED_FROM: u64 = 2;

/// A question, the model it is put to, and the key of its answer, if it has one.
pub(crate) struct Asked {
    published: Arc<Published>,
    key: Option<Key>,
    question: Value,
}

impl Asked {
    /// Puts a question to the component's model of this moment.
    pub(crate) fn new(env: &Environment, component: &Identity, question: Value) -> Result<Self, CallError> {
        let published = answer::published(env, component)?;
        Ok(Self::of(env, published, question))
    }

    fn of(env: &Environment, published: Arc<Published>, question: Value) -> Self {
        let key = env.cache.as_ref().and_then(|_| Key::new(&published.scope, &question));
        Self { published, key, question }
    }

    /// The answer, if it is kept in this process.
    pub(crate) fn kept(&self, env: &Environment) -> Option<Arc<Value>> {
        env.cache.as_ref()?.get(self.key.as_ref()?)
    }

    /// The answer, kept or computed. Who asks the same at the same time is answered by one computation.
    pub(crate) async fn answer(self, env: Arc<Environment>, component: Arc<Identity>) -> Result<Arc<Value>, CallError> {
        // The computation has a time limit of its own and looks after its thread; it must be the first to notice.
        let limit = component.entry.spec().budgets.answer() + env.settings.grace();
        let Self { published, key, question } = self;
        let cache = env.cache.clone().zip(key);
        let computed = answer::answer(env, component, published, question);
        match cache {
            Some((cache, key)) => Ok(cache.get_or_load(&key, limit, computed).await?),
            None => computed.await.map(Arc::new),
        }
    }
}

impl From<LoadError<CallError>> for CallError {
    fn from(error: LoadError<CallError>) -> Self {
        match error {
            LoadError::Failed(error) => error,
            LoadError::Panicked(words) => Self::Component(ComponentError::Panicked(words)),
            LoadError::DeadlineExceeded => Self::DeadlineExceeded,
            LoadError::TooMany(_) => Self::Busy { retry_after_ms: RETRY_AFTER_MS },
            LoadError::Stopped => Self::Stopped,
        }
    }
}

/// Lets a model answer from now on. The answers of the one before are let go; what was asked of it most is put to the new
/// one right away.
pub(crate) fn publish(env: &Arc<Environment>, component: &Arc<Identity>, published: &Arc<Published>) {
    let before = component.board(env).published.swap(Some(Arc::clone(published)));
    let Some(before) = before.filter(|before| env.cache.is_some() && before.scope != published.scope) else { return };
    // Where a model is published off the runtime's threads, the answers of the one before are let go by their age.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let (env, component, published) = (Arc::clone(env), Arc::clone(component), Arc::clone(published));
    runtime.spawn(async move {
        if let Err(error) = carry_over(env, &component, &before, &published).await {
            tracing::debug!(component = %component.name, %error, "questions were not carried over to the new model");
        }
    });
}

/// One question after the other, so that they take one slot; the first that finds no room ends it.
async fn carry_over(
    env: Arc<Environment>,
    component: &Arc<Identity>,
    before: &Published,
    published: &Arc<Published>,
) -> Result<(), CallError> {
    let Some(cache) = env.cache.clone() else { return Ok(()) };
    let (retiring, scope) = (Arc::clone(&cache), before.scope.clone());
    let carried = on_slot(&env, move || retiring.retire(&scope, CARRIED_MAX)).await?;
    for question in carried.into_iter().filter(|question| question.asked >= CARRIED_FROM) {
        let current = component.board(&env).published.load_full();
        if current.is_none_or(|current| !Arc::ptr_eq(&current, published)) {
            break;
        }
        let asked = Asked::of(&env, Arc::clone(published), question.question);
        let key = asked.key.clone();
        match asked.answer(Arc::clone(&env), Arc::clone(component)).await {
            Err(error @ (CallError::Busy { .. } | CallError::ShuttingDown | CallError::Stopped)) => return Err(error),
            // A question the new model cannot answer will not be asked of it again.
            Err(_) => {}
            Ok(_) => key.iter().for_each(|key| cache.credit(key, question.asked / 2)),
        }
    }
    Ok(())
}

/// What is asked for most.
pub(crate) async fn frequent(env: &Arc<Environment>, limit: usize) -> Result<Frequent, CallError> {
    let batches = env.batches.frequent(limit).await?;
    let batches = batches.into_iter().map(|(query, asked)| FrequentBatch { query, asked }).collect();
    let Some(cache) = env.cache.clone() else { return Ok(Frequent { batches, questions: Vec::new() }) };
    let questions = on_slot(env, move || cache.most_asked(limit)).await?;
    let question = |asked: souffleur_cache::Asked| {
        let component = asked.scope.split('\t').next().unwrap_or_default().to_owned();
        FrequentQuestion { component, question: asked.question, asked: asked.asked }
    };
    Ok(Frequent { batches, questions: questions.into_iter().map(question).collect() })
}

/// Walks through the cache where that delays nobody.
async fn on_slot<T: Send + 'static>(
    env: &Environment,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CallError> {
    let (sender, receiver) = oneshot::channel();
    // Nobody waiting any more is fine.
    let run = move || drop(sender.send(work()));
    env.answers.submit(Work { started: Box::new(|| {}), run: Box::new(run) })?;
    let limit = env.settings.store_deadline();
    let done = tokio::time::timeout(limit, receiver).await.map_err(|_| CallError::DeadlineExceeded)?;
    done.map_err(|_| CallError::Stopped)
}
