//! Answering questions: from the published model, on slots of its own, past every mailbox.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use souffleur_core::error::ComponentError;
use tokio::sync::oneshot;

use crate::component::Identity;
use crate::compute::{Compute, TaskId, Work};
use crate::environment::Environment;
use crate::error::CallError;
use crate::health::State;
use crate::health::board::Published;

/// The model a component answers from.
pub(crate) fn published(env: &Environment, component: &Identity) -> Result<Arc<Published>, CallError> {
    let board = component.board(env);
    board.published.load_full().ok_or_else(|| {
        let name = component.name.to_string();
        let quarantined = board.state() == State::Quarantined;
        if quarantined { CallError::Quarantined { name } } else { CallError::NotTrained { name } }
    })
}

/// Puts a question to a component's published model and waits at most its answer budget.
pub(crate) async fn answer(
    env: Arc<Environment>,
    component: Arc<Identity>,
    published: Arc<Published>,
    query: Value,
) -> Result<Value, CallError> {
    let board = component.board(&env);
    let before = env.clock.monotonic();
    let (sender, receiver) = oneshot::channel();
    let entry = component.entry.clone();
    let run = move || {
        // Nobody waiting any more is fine: the budget was spent.
        let _ = sender.send(entry.runner.answer(&published.params, &published.model, &query));
    };
    let work = Work { started: Box::new(|| {}), run: Box::new(run) };
    let task = env.answers.submit(work).inspect_err(|_| {
        board.busy.fetch_add(1, Ordering::Relaxed);
    })?;
    let budget = component.entry.spec().budgets.answer();
    let Ok(ended) = tokio::time::timeout(budget, receiver).await else {
        board.answer_errors.fetch_add(1, Ordering::Relaxed);
        board.answers.fetch_add(1, Ordering::Relaxed);
        let (compute, grace) = (Arc::clone(&env.answers), env.settings.grace());
        tokio::spawn(give_up(compute, task, grace));
        return Err(CallError::DeadlineExceeded);
    };
    let result =
        ended.unwrap_or_else(|_| Err(ComponentError::Panicked("its thread ended without an answer".to_owned())));
    board.answer_latency.record(env.clock.monotonic().saturating_sub(before));
    board.count_answer(result.as_ref().map(|_| ()));
    Ok(result?)
}

/// An answer cannot be told to stop: one still computing after the grace costs its thread.
async fn give_up(compute: Arc<dyn Compute>, task: TaskId, grace: Duration) {
    if !compute.withdraw(task) {
        tokio::time::sleep(grace).await;
        compute.abandon(task);
    }
}
