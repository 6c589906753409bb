//! Supervisor and cells together, under random events, random delays and jobs that do anything.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::backoff::Backoff;
use super::cell::Cell;
use super::signals::{CallId, CellAction, CellEvent, CellRules, JobId, JobKind, Status, Verdict};
use super::tree::{RestartRules, Tree, TreeAction, TreeEvent};
use super::{End, Time};

const MS: Time = Time::from_millis(1);
const CELLS: usize = 4;
const PERMITS: usize = 3;

fn cell_rules() -> CellRules {
    CellRules { start: 30 * MS, train: 60 * MS, probe: 30 * MS, stall: 20 * MS, grace: 5 * MS, max_attempts: 2 }
}

fn restart_rules() -> RestartRules {
    RestartRules {
        intensity: 2,
        period: 100 * MS,
        backoff: Backoff { min: 2 * MS, max: 16 * MS, jitter_percent: 20 },
        healthy_after: 50 * MS,
        quarantine_retry: Some(150 * MS),
        drain: 40 * MS,
        stop: 20 * MS,
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Op {
    Train {
        cell: usize,
        patience_ms: u32,
    },
    Probe {
        cell: usize,
        patience_ms: u32,
    },
    Demand(usize),
    Cancel(usize),
    Pause(usize),
    Resume(usize),
    Reset(usize),
    /// The job in flight gets its slot.
    Compute(usize),
    /// It gives a sign of life.
    Tick(usize),
    /// It ends.
    End(usize, End),
    /// It is recorded, or its driver dies.
    Record(usize, bool),
    /// The whole of that at once.
    Finish(usize, End),
    /// A job that was given up comes back.
    Late(usize, End),
    /// The oldest message to a cell, or from it, arrives.
    Deliver(usize),
    Hear(usize),
    /// All messages arrive.
    Settle,
    Advance(u32),
}

fn op() -> impl Strategy<Value = Op> {
    // The producer of all others is where most can go wrong.
    let cell = prop_oneof![2 => Just(0), 1 => 0..CELLS];
    let end = prop_oneof![
        8 => Just(End::Succeeded), 1 => Just(End::Failed), 1 => Just(End::OutOfTime),
        1 => Just(End::Cancelled), 2 => Just(End::Crashed),
    ];
    prop_oneof![
        8 => (cell.clone(), 1_u32..2_000).prop_map(|(cell, patience_ms)| Op::Train { cell, patience_ms }),
        4 => (cell.clone(), 1_u32..2_000).prop_map(|(cell, patience_ms)| Op::Probe { cell, patience_ms }),
        2 => cell.clone().prop_map(Op::Demand),
        1 => cell.clone().prop_map(Op::Cancel),
        1 => cell.clone().prop_map(Op::Pause),
        6 => cell.clone().prop_map(Op::Resume),
        1 => cell.clone().prop_map(Op::Reset),
        4 => cell.clone().prop_map(Op::Compute),
        4 => cell.clone().prop_map(Op::Tick),
        4 => (cell.clone(), end.clone()).prop_map(|(cell, end)| Op::End(cell, end)),
        4 => (cell.clone(), prop::bool::weighted(0.8)).prop_map(|(cell, ok)| Op::Record(cell, ok)),
        16 => (cell.clone(), end.clone()).prop_map(|(cell, end)| Op::Finish(cell, end)),
        2 => (cell.clone(), end).prop_map(|(cell, end)| Op::Late(cell, end)),
        4 => cell.clone().prop_map(Op::Deliver),
        4 => cell.prop_map(Op::Hear),
        16 => Just(Op::Settle),
        8 => (1_u32..12).prop_map(Op::Advance),
    ]
}

/// A job as the outside world sees it.
#[derive(Clone, Copy, Debug)]
struct Job {
    id: JobId,
    ticks: u64,
    told_to_stop: bool,
    recording: bool,
}

struct Model {
    now: Time,
    tree: Tree,
    cells: Vec<Cell>,
    to_cell: Vec<VecDeque<CellEvent>>,
    to_tree: Vec<VecDeque<TreeEvent>>,
    jobs: Vec<Option<Job>>,
    given_up: Vec<Vec<JobId>>,
    free: Vec<usize>,
    /// Calls that wait for a reply, with their cell and kind.
    waiting: BTreeMap<CallId, (usize, JobKind)>,
    answered_last: BTreeMap<(usize, bool), CallId>,
    next_call: u64,
    /// When each component's restarts were decided, since its last reset.
    restarts: Vec<Vec<Time>>,
    finished: usize,
}

impl Model {
    /// 0 feeds 1 and 2, 2 feeds 3.
    fn new(seed: u64) -> Self {
        let producers = vec![vec![], vec![0], vec![0], vec![2]];
        let mut model = Self {
            now: Time::ZERO,
            tree: Tree::new(restart_rules(), producers, vec![0, 1, 2, 3], seed),
            cells: (0..CELLS).map(|_| Cell::new(cell_rules())).collect(),
            to_cell: vec![VecDeque::new(); CELLS],
            to_tree: vec![VecDeque::new(); CELLS],
            jobs: vec![None; CELLS],
            given_up: vec![Vec::new(); CELLS],
            free: vec![PERMITS; CELLS],
            waiting: BTreeMap::new(),
            answered_last: BTreeMap::new(),
            next_call: 0,
            restarts: vec![Vec::new(); CELLS],
            finished: 0,
        };
        model.tree(TreeEvent::Begin);
        model
    }

    fn tree(&mut self, event: TreeEvent) {
        for action in self.tree.on(event, self.now) {
            match action {
                TreeAction::Start(i) => self.to_cell[i].push_back(CellEvent::Start),
                TreeAction::Pause(i, _) => self.restart_decided(i),
                TreeAction::Hold(i) => self.to_cell[i].push_back(CellEvent::Hold),
                TreeAction::Quarantine(i) => self.to_cell[i].push_back(CellEvent::Quarantine),
                TreeAction::Drain(i) => self.to_cell[i].push_back(CellEvent::Drain),
                TreeAction::Stop(i) => self.to_cell[i].push_back(CellEvent::Stop),
                TreeAction::Finished => self.finished += 1,
            }
        }
    }

    fn restart_decided(&mut self, i: usize) {
        let rules = restart_rules();
        self.restarts[i].push(self.now);
        let recent = self.restarts[i].iter().filter(|&&at| self.now - at <= rules.period).count();
        assert!(recent <= rules.intensity, "{recent} restarts of {i} within the period");
    }

    fn cell(&mut self, i: usize, event: CellEvent) {
        for action in self.cells[i].on(event, self.now) {
            match action {
                CellAction::Launch(id, kind) => self.launched(i, id, kind),
                CellAction::Cancel(id) => {
                    let job = self.jobs[i].as_mut().filter(|job| job.id == id).expect("cancels what flies");
                    job.told_to_stop = true;
                }
                CellAction::Abandon(id) => {
                    assert_eq!(self.jobs[i].take().map(|job| job.id), Some(id), "gives up what flies");
                    self.given_up[i].push(id);
                }
                CellAction::Record(id, keep) => {
                    let job = self.jobs[i].as_mut().filter(|job| job.id == id).expect("records what flies");
                    job.recording = true;
                    assert!(!(keep && job.told_to_stop), "a job that was told to stop commits");
                }
                CellAction::Reply(call, verdict) => self.answered(i, call, verdict),
                CellAction::ReportUp => self.to_tree[i].push_back(TreeEvent::Up(i)),
                CellAction::ReportDown(_) => self.to_tree[i].push_back(TreeEvent::Down(i)),
                CellAction::ReportStopped => self.to_tree[i].push_back(TreeEvent::Stopped(i)),
            }
        }
        assert_eq!(self.jobs[i].map(|job| job.id), self.cells[i].in_flight().map(|(id, _)| id));
    }

    fn launched(&mut self, i: usize, id: JobId, kind: JobKind) {
        assert!(self.jobs[i].is_none(), "two jobs in flight in {i}");
        let status = self.cells[i].status();
        let may = if kind == JobKind::Start { Status::Starting } else { Status::Up };
        assert_eq!(status, may, "{kind:?} launched in {i}");
        self.jobs[i] = Some(Job { id, ticks: 0, told_to_stop: false, recording: false });
    }

    fn answered(&mut self, i: usize, call: CallId, verdict: Verdict) {
        let (cell, kind) = self.waiting.remove(&call).expect("a call is answered once");
        assert_eq!(cell, i);
        self.free[i] += 1;
        assert!(self.free[i] <= PERMITS);
        if verdict == Verdict::Outcome {
            let last = self.answered_last.insert((i, kind == JobKind::Train), call);
            assert!(last.is_none_or(|last| last < call), "{call:?} was overtaken by {last:?}");
        }
    }

    fn submit(&mut self, i: usize, kind: JobKind, patience_ms: u32) {
        if self.free[i] == 0 {
            return; // Busy.
        }
        self.free[i] -= 1;
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.waiting.insert(call, (i, kind));
        let deadline = self.now + patience_ms * MS;
        self.cell(i, CellEvent::Submit(call, kind, deadline));
    }

    fn recorded(&mut self, i: usize, recorded: bool) {
        if let Some(job) = self.jobs[i].take() {
            self.cell(i, CellEvent::Recorded(job.id, recorded));
        }
    }

    fn advance(&mut self, by: Time) {
        let until = self.now + by;
        loop {
            let wakes = self.cells.iter().map(Cell::next_wake).chain([self.tree.next_wake()]);
            let next = wakes.flatten().min().unwrap_or(until).max(self.now + MS / 4);
            if next > until {
                self.now = until;
                return;
            }
            self.now = next;
            (0..CELLS).for_each(|i| self.cell(i, CellEvent::Wake));
            self.tree(TreeEvent::Wake);
        }
    }

    fn deliver(&mut self, i: usize) -> bool {
        let event = self.to_cell[i].pop_front();
        event.is_some_and(|event| {
            self.cell(i, event);
            true
        })
    }

    fn hear(&mut self, i: usize) -> bool {
        let event = self.to_tree[i].pop_front();
        event.is_some_and(|event| {
            self.tree(event);
            true
        })
    }

    fn settle(&mut self) {
        for i in 0..CELLS {
            while self.hear(i) {}
        }
        for i in 0..CELLS {
            while self.deliver(i) {}
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Train { cell, patience_ms } => self.submit(cell, JobKind::Train, patience_ms),
            Op::Probe { cell, patience_ms } => self.submit(cell, JobKind::Probe, patience_ms),
            Op::Demand(i) => self.cell(i, CellEvent::Demand),
            Op::Cancel(i) => self.cell(i, CellEvent::Cancel),
            Op::Pause(i) => self.cell(i, CellEvent::Pause),
            Op::Resume(i) => self.cell(i, CellEvent::Resume),
            Op::Reset(i) => {
                self.restarts[i].clear();
                self.tree(TreeEvent::Reset(i));
            }
            Op::Compute(i) => {
                if let Some(job) = self.jobs[i] {
                    self.cell(i, CellEvent::Computing(job.id));
                }
            }
            Op::Tick(i) => {
                if let Some(job) = self.jobs[i].as_mut() {
                    job.ticks += 1;
                    let Job { id, ticks, .. } = *job;
                    self.cell(i, CellEvent::Progress(id, ticks));
                }
            }
            Op::End(i, end) => {
                if let Some(job) = self.jobs[i] {
                    self.cell(i, CellEvent::Computed(job.id, end));
                }
            }
            // Recorded before it has computed is how the death of a driver looks.
            Op::Record(i, recorded) => self.recorded(i, recorded),
            Op::Late(i, end) => {
                for id in self.given_up[i].clone() {
                    self.cell(i, CellEvent::Computed(id, end));
                    self.cell(i, CellEvent::Recorded(id, true));
                }
            }
            Op::Finish(i, end) => {
                if let Some(job) = self.jobs[i] {
                    self.cell(i, CellEvent::Computing(job.id));
                    self.cell(i, CellEvent::Computed(job.id, end));
                    self.recorded(i, true);
                }
            }
            Op::Settle => self.settle(),
            Op::Deliver(i) => drop(self.deliver(i)),
            Op::Hear(i) => drop(self.hear(i)),
            Op::Advance(ms) => self.advance(ms * MS),
        }
    }

    /// Starts everything without a hitch.
    fn warm_up(&mut self) {
        for _ in 0..CELLS {
            self.settle();
            (0..CELLS).for_each(|i| self.apply(Op::Finish(i, End::Succeeded)));
        }
        self.settle();
        assert!(self.cells.iter().all(|cell| cell.status() == Status::Up));
    }

    /// Ends with jobs that never say another word, but for those that the store answers in the end.
    fn end(&mut self) {
        for _ in 0..40 {
            for i in 0..CELLS {
                if self.jobs[i].is_some_and(|job| job.recording) {
                    self.recorded(i, false);
                }
            }
            self.settle();
            self.advance(5 * MS);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_call_is_answered_once_and_everything_stops(
        seed in any::<u64>(),
        warm in prop::bool::weighted(0.8),
        before in prop::collection::vec(op(), 0..150),
        after in prop::collection::vec(op(), 0..20),
    ) {
        let mut model = Model::new(seed);
        if warm {
            model.warm_up();
        }
        before.into_iter().for_each(|op| model.apply(op));
        model.tree(TreeEvent::Shutdown);
        after.into_iter().for_each(|op| model.apply(op));
        model.end();
        prop_assert_eq!(model.finished, 1);
        prop_assert!(model.waiting.is_empty(), "never answered: {:?}", model.waiting);
        prop_assert_eq!(&model.free, &vec![PERMITS; CELLS]);
        prop_assert!(model.cells.iter().all(|cell| cell.status() == Status::Stopped));
    }
}
