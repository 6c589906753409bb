use super::*;
use CellAction::{Abandon, Cancel, Launch, Record, Reply, ReportDown, ReportStopped, ReportUp};

const MS: Duration = Duration::from_millis(1);
const LATER: Time = Duration::from_secs(3600);

fn rules() -> CellRules {
    CellRules { start: 50 * MS, train: 100 * MS, probe: 50 * MS, stall: 40 * MS, grace: 10 * MS, max_attempts: 2 }
}

/// A cell that has started; the next launch is number 1.
fn up() -> Cell {
    let mut cell = Cell::new(rules());
    assert_eq!(cell.on(CellEvent::Start, Time::ZERO), [Launch(JobId(0), JobKind::Start)]);
    assert_eq!(finish(&mut cell, 0, End::Succeeded, true), [ReportUp]);
    cell
}

/// Lets a job end and be recorded; what that led to.
fn finish(cell: &mut Cell, job: u64, end: End, keep: bool) -> Vec<CellAction> {
    assert_eq!(cell.on(CellEvent::Computed(JobId(job), end), MS), [Record(JobId(job), keep)]);
    cell.on(CellEvent::Recorded(JobId(job), true), MS)
}

fn train(call: u64) -> CellEvent {
    CellEvent::Submit(CallId(call), JobKind::Train, LATER)
}

#[test]
fn calls_join_a_queued_run_but_not_a_running_one() {
    let mut cell = up();
    assert_eq!(cell.on(train(1), MS), [Launch(JobId(1), JobKind::Train)]);
    assert_eq!(cell.on(train(2), MS), []);
    assert_eq!(cell.on(train(3), MS), []);
    let next = [Reply(CallId(1), Verdict::Outcome), Launch(JobId(2), JobKind::Train)];
    assert_eq!(finish(&mut cell, 1, End::Succeeded, true), next);
    let both = [Reply(CallId(2), Verdict::Outcome), Reply(CallId(3), Verdict::Outcome)];
    assert_eq!(finish(&mut cell, 2, End::Succeeded, true), both);
}

#[test]
fn a_crash_is_tried_again_once_and_then_poisoned() {
    let mut cell = up();
    cell.on(train(1), MS);
    assert_eq!(finish(&mut cell, 1, End::Crashed, false), [ReportDown(Failure::Crash)]);
    assert_eq!(cell.on(CellEvent::Start, MS), [Launch(JobId(2), JobKind::Start)]);
    assert_eq!(finish(&mut cell, 2, End::Succeeded, true), [ReportUp, Launch(JobId(3), JobKind::Train)]);
    let poisoned = [Reply(CallId(1), Verdict::Poisoned(2)), ReportDown(Failure::Crash)];
    assert_eq!(finish(&mut cell, 3, End::Crashed, false), poisoned);
}

#[test]
fn an_overrun_is_cancelled_and_answered_without_a_restart() {
    let mut cell = up();
    cell.on(train(1), MS);
    cell.on(CellEvent::Computing(JobId(1)), 10 * MS);
    cell.on(CellEvent::Progress(JobId(1), 5), 90 * MS);
    assert_eq!(cell.next_wake(), Some(110 * MS));
    assert_eq!(cell.on(CellEvent::Wake, 110 * MS), [Cancel(JobId(1))]);
    assert_eq!(finish(&mut cell, 1, End::Succeeded, false), [Reply(CallId(1), Verdict::DeadlineExceeded)]);
    assert_eq!(cell.status(), Status::Up);
}

#[test]
fn a_job_without_progress_is_hung_but_one_that_waits_for_a_slot_is_not() {
    let mut cell = up();
    cell.on(train(1), MS);
    assert_eq!(cell.on(CellEvent::Wake, 3000 * MS), [], "it waits for a slot");
    cell.on(CellEvent::Computing(JobId(1)), 3000 * MS);
    cell.on(CellEvent::Progress(JobId(1), 1), 3030 * MS);
    assert_eq!(cell.on(CellEvent::Wake, 3069 * MS), []);
    assert_eq!(cell.on(CellEvent::Wake, 3070 * MS), [Cancel(JobId(1))]);
    assert_eq!(cell.on(CellEvent::Wake, 3079 * MS), []);
    let given_up = [Abandon(JobId(1)), Reply(CallId(1), Verdict::DeadlineExceeded), ReportDown(Failure::Hang)];
    assert_eq!(cell.on(CellEvent::Wake, 3080 * MS), given_up);
    assert_eq!(cell.on(CellEvent::Computed(JobId(1), End::Succeeded), 3090 * MS), [], "a late result is ignored");
}

#[test]
fn a_held_job_comes_back_first_and_is_not_charged() {
    let mut cell = up();
    cell.on(train(1), MS);
    cell.on(CellEvent::Submit(CallId(2), JobKind::Probe, LATER), MS);
    assert_eq!(cell.on(CellEvent::Hold, MS), [Cancel(JobId(1))]);
    assert_eq!(finish(&mut cell, 1, End::Cancelled, false), []);
    assert_eq!(cell.on(CellEvent::Start, MS), [Launch(JobId(2), JobKind::Start)]);
    assert_eq!(finish(&mut cell, 2, End::Succeeded, true), [ReportUp, Launch(JobId(3), JobKind::Train)]);
}

#[test]
fn nobody_waits_any_more_so_the_run_is_cancelled_unless_it_was_demanded() {
    let submit = CellEvent::Submit(CallId(1), JobKind::Train, 20 * MS);
    let expired = Reply(CallId(1), Verdict::DeadlineExceeded);
    let mut cell = up();
    cell.on(submit, MS);
    assert_eq!(cell.on(CellEvent::Wake, 20 * MS), [expired, Cancel(JobId(1))]);
    let mut cell = up();
    cell.on(CellEvent::Pause, MS);
    cell.on(CellEvent::Demand, MS);
    cell.on(CellEvent::Resume, MS);
    assert_eq!(cell.in_flight(), Some((JobId(1), JobKind::Train)));
    assert_eq!(cell.on(CellEvent::Wake, 20 * MS), []);
}

#[test]
fn a_start_that_fails_is_reported() {
    let mut cell = Cell::new(rules());
    cell.on(CellEvent::Start, MS);
    assert_eq!(finish(&mut cell, 0, End::Failed, false), [ReportDown(Failure::Start)]);
}

#[test]
fn draining_answers_the_queue_and_waits_for_the_running_job() {
    let mut cell = up();
    cell.on(train(1), MS);
    cell.on(train(2), MS);
    assert_eq!(cell.on(CellEvent::Drain, MS), [Reply(CallId(2), Verdict::ShuttingDown)]);
    assert_eq!(cell.on(train(3), MS), [Reply(CallId(3), Verdict::ShuttingDown)]);
    let last = [Reply(CallId(1), Verdict::Outcome), ReportStopped];
    assert_eq!(finish(&mut cell, 1, End::Succeeded, true), last);
}
