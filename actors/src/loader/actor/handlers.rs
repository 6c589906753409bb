//! The questions the loader answers.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, Handler};
use serde_json::json;
use souffleur_core::document::{DocumentKind, NewDocument};
use souffleur_core::error::Invalid;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::Query;
use souffleur_core::records::Validate;
use souffleur_core::store::{Append, Receipt, Record, StoreError};

use super::{Asker, LoaderActor};
use crate::loader::error::LoaderError;
use crate::loader::execute::{check, version_of};
use crate::loader::leases::BatchLease;
use crate::loader::messages::{
    Acknowledge, AddFeedbackData, DataChanged, DrainLoader, FrequentlyAccessed, GetLoaderStatus, GetTrainingBatch,
    Lease, ModelTrainingData, SubmitResults,
};
use crate::loader::waiting::Question;
use crate::port::{Reply, Request};

impl Handler<Request<GetTrainingBatch>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<GetTrainingBatch>, ctx: &mut Context<Self>) {
        tracing::trace!(component = &*request.message.component, "asks for a batch");
        self.ask(request.message.into_query(), Asker::Batch(request.reply), ctx);
    }
}

impl Handler<Request<ModelTrainingData>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<ModelTrainingData>, ctx: &mut Context<Self>) {
        self.wait(Question::Model(request.message.model_id), Asker::Batch(request.reply), ctx);
    }
}

impl Handler<DataChanged> for LoaderActor {
    type Result = ();

    fn handle(&mut self, news: DataChanged, ctx: &mut Context<Self>) {
        self.announce(news.watermark, ctx);
    }
}

impl Handler<Request<Lease>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<Lease>, ctx: &mut Context<Self>) {
        match self.lease(&request.message) {
            Ok((query, lease)) => self.ask(query, Asker::Lease(Box::new(lease), request.reply), ctx),
            Err(error) => request.reply.send(Err(error)),
        }
    }
}

impl Handler<Request<Acknowledge>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<Acknowledge>, _: &mut Context<Self>) {
        let Acknowledge { component, epoch, lease } = request.message;
        request.reply.send(self.leases.acknowledge(&component, epoch, lease));
    }
}

impl Handler<Request<SubmitResults>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<SubmitResults>, ctx: &mut Context<Self>) {
        let append = results_document(request.message);
        let reply = request.reply;
        self.append(vec![append], ctx, |result| {
            // One record, one receipt.
            let lost = || StoreError::Database("the store gave no receipt".to_owned());
            reply.send(result.and_then(|receipts| receipts.into_iter().next().ok_or_else(|| lost().into())));
        });
    }
}

impl Handler<Request<AddFeedbackData>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<AddFeedbackData>, ctx: &mut Context<Self>) {
        let records = request.message.records;
        let reply: Reply<_> = request.reply;
        match check_observations(&records, self.settings.records_per_call) {
            Ok(()) => self.append(records, ctx, |result| reply.send(result)),
            Err(invalid) => reply.send(Err(invalid.into())),
        }
    }
}

impl Handler<Request<FrequentlyAccessed>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<FrequentlyAccessed>, _: &mut Context<Self>) {
        let most_asked = self.engine.cache().most_asked(request.message.limit);
        request.reply.send(most_asked);
    }
}

impl Handler<Request<GetLoaderStatus>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<GetLoaderStatus>, _: &mut Context<Self>) {
        request.reply.send(self.status());
    }
}

impl Handler<Request<DrainLoader>> for LoaderActor {
    type Result = ();

    fn handle(&mut self, request: Request<DrainLoader>, _: &mut Context<Self>) {
        self.drain();
        request.reply.send(());
    }
}

impl LoaderActor {
    fn announce(&mut self, watermark: Seq, ctx: &mut Context<Self>) {
        self.announced = self.announced.max(watermark);
        self.work_on(ctx);
    }

    /// The lease for a request, and the query that gives exactly its data.
    fn lease(&mut self, message: &Lease) -> Result<(Query, BatchLease), LoaderError> {
        if self.draining {
            return Err(LoaderError::ShuttingDown);
        }
        if !self.loaded {
            return Err(self.last_error.clone().unwrap_or_else(|| self.busy()));
        }
        check(&message.query)?;
        let newest = version_of(message.query.as_of, self.announced.max(self.image.watermark));
        let now = self.clock.now();
        let lease = self.leases.request(&message.component, message.epoch, &message.query, newest, now)?;
        Ok((self.query_of(&lease.query, lease.version), lease))
    }

    /// The query itself while it gives this version, else the same query pinned to it.
    fn query_of(&self, query: &Query, version: DataVersion) -> Query {
        let mut query = query.clone();
        let now = version_of(query.as_of, self.image.watermark);
        if now != version || self.announced > self.image.watermark {
            query.as_of.watermark = Some(version.watermark);
        }
        query
    }

    /// Appends records and tells `then` how it went, at the latest when the time for a write is over.
    fn append(
        &mut self,
        records: Vec<Append>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(Result<Vec<Receipt>, LoaderError>) + 'static,
    ) {
        if self.draining {
            return then(Err(LoaderError::ShuttingDown));
        }
        let deadline: Duration = self.settings.store_deadline;
        let commit = self.engine.store().append(records, self.clock.now());
        let commit = actix::fut::wrap_future::<_, Self>(tokio::time::timeout(deadline, commit));
        ctx.spawn(commit.map(|outcome, this, ctx| {
            let result = outcome.map_err(|_| LoaderError::DeadlineExceeded).and_then(|r| Ok(r?));
            if let Some(newest) = result.iter().flatten().map(|receipt| receipt.seq).max() {
                this.announce(newest, ctx);
            }
            then(result);
        }));
    }
}

/// The document a submission becomes, under a key that stands for its content.
fn results_document(message: SubmitResults) -> Append {
    let SubmitResults { component, results, metadata } = message;
    let body = json!({ "results": results, "metadata": metadata });
    let hash = xxhash_rust::xxh3::xxh3_128(body.to_string().as_bytes());
    let document = NewDocument { subject: component.to_string(), event_time: None, body };
    Append {
        idempotency_key: Some(format!("results:{component}:{hash:032x}")),
        record: Record::Document(DocumentKind::Results, document),
    }
}

/// Accepts feedback and metric points only, each within its limits.
fn check_observations(records: &[Append], most: usize) -> Result<(), Invalid> {
    if records.is_empty() || records.len() > most {
        let problem = format!("has {} entries", records.len());
        return Err(Invalid::new("records", problem, format!("from 1 to {most} are allowed")));
    }
    for (index, append) in records.iter().enumerate() {
        let checked = match &append.record {
            Record::Feedback(feedback) => feedback.validate(),
            Record::Metric(point) => point.validate(),
            _ => Err(Invalid::new("record", "is neither feedback nor a metric point", "append it as what it is")),
        };
        checked.map_err(|e| Invalid::new(format!("records[{index}].{}", e.at), e.problem, e.expected))?;
    }
    Ok(())
}
