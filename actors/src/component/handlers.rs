//! What the actor is told, and by whom.

use actix::{Context, Handler};

use super::flight::Outcome;
use super::{Caller, ComponentActor, Standing};
use crate::messages::{Command, FromJob, NewerModel, Operate, Probe, RowsAppended, Train, Word};
use crate::policy::Time;
use crate::policy::signals::{CallId, CellEvent, JobKind, Status};
use crate::port::Request;

impl ComponentActor {
    fn submit(&mut self, caller: Caller, kind: JobKind, deadline: Time, ctx: &mut Context<Self>) {
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.callers.insert(call, caller);
        self.step(CellEvent::Submit(call, kind, deadline), ctx);
    }
}

impl Handler<Request<Train>> for ComponentActor {
    type Result = ();

    fn handle(&mut self, request: Request<Train>, ctx: &mut Self::Context) {
        self.submit(Caller::Train(request.reply), JobKind::Train, request.message.deadline, ctx);
    }
}

impl Handler<Request<Probe>> for ComponentActor {
    type Result = ();

    fn handle(&mut self, request: Request<Probe>, ctx: &mut Self::Context) {
        self.submit(Caller::Probe(request.reply), JobKind::Probe, request.message.deadline, ctx);
    }
}

impl Handler<Request<Operate>> for ComponentActor {
    type Result = ();

    fn handle(&mut self, request: Request<Operate>, ctx: &mut Self::Context) {
        let event = match request.message {
            Operate::Pause => CellEvent::Pause,
            Operate::Resume => CellEvent::Resume,
            Operate::Cancel => CellEvent::Cancel,
        };
        self.step(event, ctx);
        request.reply.send(());
    }
}

impl Handler<Command> for ComponentActor {
    type Result = ();

    fn handle(&mut self, command: Command, ctx: &mut Self::Context) {
        let event = match command {
            Command::Start => {
                self.standing = Standing::Well;
                CellEvent::Start
            }
            Command::Await { pause_ms, failures } => {
                self.note_failures(failures, true);
                self.standing = Standing::Restarting { why: self.last_failure.clone(), pause_ms };
                return self.show();
            }
            Command::Hold => {
                self.standing = Standing::Held;
                CellEvent::Hold
            }
            Command::Quarantine { failures } => {
                self.note_failures(failures, false);
                self.standing = Standing::Quarantined { why: self.last_failure.clone() };
                CellEvent::Quarantine
            }
            Command::Drain => CellEvent::Drain,
            Command::Stop => CellEvent::Stop,
        };
        self.step(event, ctx);
    }
}

impl Handler<FromJob<Outcome>> for ComponentActor {
    type Result = ();

    fn handle(&mut self, message: FromJob<Outcome>, ctx: &mut Self::Context) {
        let FromJob { job, word } = message;
        let Some((_, kind)) = self.cell.in_flight().filter(|(id, _)| *id == job) else {
            return; // A late word of a job that was given up.
        };
        let event = match word {
            Word::Computing => {
                self.computing();
                CellEvent::Computing(job)
            }
            Word::Computed(end) => CellEvent::Computed(job, end),
            Word::Recorded(outcome) => {
                self.in_flight = None;
                let succeeded = outcome.succeeded();
                self.take_in(*outcome, kind);
                CellEvent::Recorded(job, succeeded)
            }
            Word::Lost => {
                self.in_flight = None;
                "the driver of its job died".clone_into(&mut self.last_failure);
                CellEvent::Recorded(job, false)
            }
        };
        self.step(event, ctx);
        self.make_up_for(kind, ctx);
        if kind == JobKind::Start && self.cell.status() == Status::Up {
            if self.env.settings.train_unasked && std::mem::take(&mut self.unfinished) {
                self.demand(0, ctx);
            }
            self.consider_training(ctx);
        }
    }
}

impl Handler<NewerModel> for ComponentActor {
    type Result = ();

    fn handle(&mut self, _: NewerModel, ctx: &mut Self::Context) {
        self.adopt(ctx);
    }
}

impl Handler<RowsAppended> for ComponentActor {
    type Result = ();

    fn handle(&mut self, _: RowsAppended, ctx: &mut Self::Context) {
        self.consider_training(ctx);
    }
}
