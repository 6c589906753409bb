//! The supervisor: spawns one actor per component and carries out what [`crate::policy::tree`] decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle, Supervised};
use souffleur_core::catalogue::Entry;

use crate::component::{ComponentActor, Identity};
use crate::environment::Environment;
use crate::guard::{self, GuardLimits, PartStatus};
use crate::messages::{Command, FromComponent, Report, Restart, RowsAppended, StopAll, Stopped};
use crate::policy::backoff::Backoff;
use crate::policy::tree::{RestartRules, Tree, TreeAction, TreeEvent};
use crate::port::{Port, Reply, Request};
use crate::settings::{KernelSettings, RETRY_AFTER_MS};

/// How often new rows are looked for.
const ROWS_INTERVAL: Duration = Duration::from_millis(100);
/// What a component may take to stop beyond the grace of its job: recording it, and a busy machine.
const STOP_MARGIN: Duration = Duration::from_secs(1);

/// The actor.
pub(crate) struct SupervisorActor {
    env: Arc<Environment>,
    tree: Tree,
    components: Vec<Port<ComponentActor>>,
    /// Producers before their consumers.
    order: Vec<usize>,
    rows_seen: u64,
    wake: Option<SpawnHandle>,
    stopped: Stopped,
    waiting_for_stop: Option<Reply<Stopped>>,
}

/// What the supervisor is started with.
pub(crate) struct Family {
    pub(crate) identities: Vec<Arc<Identity>>,
    /// Producers before their consumers.
    pub(crate) order: Vec<usize>,
    /// Which components have a run that a crash interrupted.
    pub(crate) unfinished: Vec<bool>,
}

/// How control-plane actors are protected.
pub(crate) fn guard_limits(settings: &KernelSettings) -> GuardLimits {
    GuardLimits {
        intensity: settings.restart_intensity,
        period: Duration::from_millis(settings.restart_period_ms),
        backoff_min: Duration::from_millis(settings.backoff_min_ms),
        backoff_max: Duration::from_millis(settings.backoff_max_ms),
    }
}

/// Which components each consumes from, by index. Names were checked when the order was made.
pub(crate) fn producers(entries: &[Entry]) -> Vec<Vec<usize>> {
    let index: BTreeMap<&str, usize> = entries.iter().enumerate().map(|(i, entry)| (&*entry.name, i)).collect();
    let of = |entry: &Entry| entry.spec().consumes.iter().filter_map(|name| index.get(name).copied()).collect();
    entries.iter().map(of).collect()
}

/// Spawns the supervisor and one actor per component, in training order, on the current arbiter.
pub(crate) fn spawn(env: &Arc<Environment>, family: Family) -> (Port<SupervisorActor>, Vec<Port<ComponentActor>>) {
    let Family { identities, order, unfinished } = family;
    let settings = &env.settings;
    let limits = guard_limits(settings);
    let rules = RestartRules {
        intensity: settings.restart_intensity,
        period: limits.period,
        backoff: Backoff {
            min: limits.backoff_min,
            max: limits.backoff_max,
            jitter_percent: settings.backoff_jitter_percent,
        },
        healthy_after: Duration::from_millis(settings.healthy_after_ms),
        quarantine_retry: (settings.quarantine_retry_ms > 0)
            .then(|| Duration::from_millis(settings.quarantine_retry_ms)),
        drain: settings.drain_deadline(),
        stop: settings.grace() + settings.store_deadline() + STOP_MARGIN,
    };
    let entries: Vec<_> = identities.iter().map(|identity| identity.entry.clone()).collect();
    let tree = Tree::new(rules, producers(&entries), order.clone(), settings.seed);
    let mut components = Vec::new();
    let address = guard::spawn_with("supervisor", limits, Arc::clone(&env.board.supervisor), |ctx| {
        let mut spawned = BTreeMap::new();
        for &i in &order {
            let (identity, interrupted) = (Arc::clone(&identities[i]), unfinished[i]);
            let actor = ComponentActor::new(Arc::clone(env), identity, ctx.address(), interrupted);
            let address = guard::spawn("component", limits, Arc::new(PartStatus::default()), actor);
            spawned.insert(i, Port::new(address, settings.port_capacity, RETRY_AFTER_MS));
        }
        components = spawned.into_values().collect();
        SupervisorActor {
            env: Arc::clone(env),
            tree,
            components: components.clone(),
            order,
            rows_seen: 0,
            wake: None,
            stopped: Stopped::default(),
            waiting_for_stop: None,
        }
    });
    (Port::new(address, 1, RETRY_AFTER_MS), components)
}

impl Actor for SupervisorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(ROWS_INTERVAL, |this, _| this.look_for_rows());
        self.wake = None;
        self.step(TreeEvent::Begin, ctx);
    }
}

impl Supervised for SupervisorActor {
    // Its state is whole between two events, so a panic loses one event at most; `started` arms the timers again.
}

impl SupervisorActor {
    fn step(&mut self, event: TreeEvent, ctx: &mut Context<Self>) {
        let now = self.env.elapsed();
        for action in self.tree.on(event, now) {
            match action {
                TreeAction::Start(i) => self.tell(i, Command::Start),
                TreeAction::Pause(i, pause) => {
                    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    self.tell(i, Command::Await { pause_ms, failures: self.failures(i) });
                }
                TreeAction::Hold(i) => self.tell(i, Command::Hold),
                TreeAction::Quarantine(i) => self.tell(i, Command::Quarantine { failures: self.failures(i) }),
                TreeAction::Drain(i) => self.tell(i, Command::Drain),
                TreeAction::Stop(i) => self.tell(i, Command::Stop),
                TreeAction::Finished => self.finished(),
            }
        }
        self.arm(ctx);
    }

    fn failures(&self, index: usize) -> u32 {
        u32::try_from(self.tree.failures_in_window(index, self.env.elapsed())).unwrap_or(u32::MAX)
    }

    fn tell(&self, index: usize, command: Command) {
        if let Some(component) = self.components.get(index) {
            component.address().do_send(command);
        }
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(wake) = self.wake.take() {
            ctx.cancel_future(wake);
        }
        let Some(at) = self.tree.next_wake() else { return };
        // The timer counts whole milliseconds; one more makes sure that the moment has come.
        let pause = at.saturating_sub(self.env.elapsed()) + Duration::from_millis(1);
        self.wake = Some(ctx.run_later(pause, |this, ctx| {
            this.wake = None;
            this.step(TreeEvent::Wake, ctx);
        }));
    }

    /// Tells the components, producers first, when rows have come; many appends are one message.
    fn look_for_rows(&mut self) {
        let rows = self.env.learnable_rows.load(Ordering::Acquire);
        if rows == self.rows_seen {
            return;
        }
        self.rows_seen = rows;
        for &i in &self.order {
            self.components[i].address().do_send(RowsAppended);
        }
    }

    fn finished(&mut self) {
        self.stopped.silent = self.tree.not_stopped().len();
        if let Some(reply) = self.waiting_for_stop.take() {
            reply.send(self.stopped);
        }
    }
}

impl Handler<FromComponent> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, message: FromComponent, ctx: &mut Self::Context) {
        let FromComponent { index, report } = message;
        let event = match report {
            Report::Up => TreeEvent::Up(index),
            Report::Down => TreeEvent::Down(index),
            Report::Stopped { cancelled, abandoned } => {
                self.stopped.cancelled += cancelled;
                self.stopped.abandoned += abandoned;
                TreeEvent::Stopped(index)
            }
        };
        self.step(event, ctx);
    }
}

impl Handler<Request<Restart>> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, request: Request<Restart>, ctx: &mut Self::Context) {
        self.step(TreeEvent::Reset(request.message.index), ctx);
        request.reply.send(());
    }
}

impl Handler<Request<StopAll>> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, request: Request<StopAll>, ctx: &mut Self::Context) {
        self.waiting_for_stop = Some(request.reply);
        self.step(TreeEvent::Shutdown, ctx);
    }
}
