//! The decisions over all components: who starts when, who waits, who is given up.

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Time;
use super::backoff::Backoff;

/// The rules restarts follow.
#[derive(Clone, Copy, Debug)]
pub struct RestartRules {
    /// Failures within the period that are answered by a restart; one more is answered by quarantine.
    pub intensity: usize,
    /// The window failures are counted in.
    pub period: Duration,
    /// The pause before a restart.
    pub backoff: Backoff,
    /// Work this long without failure and the pause starts small again.
    pub healthy_after: Duration,
    /// A quarantined component is tried again after this time; not shorter than the period. `None`: only by hand.
    pub quarantine_retry: Option<Duration>,
    /// How long running jobs may go on at shutdown.
    pub drain: Duration,
    /// How long after that a component has to report that it stopped.
    pub stop: Duration,
}

/// What happened. Components are named by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeEvent {
    /// Start everything.
    Begin,
    /// A component is ready.
    Up(usize),
    /// A component failed: it could not start, crashed or hung.
    Down(usize),
    /// An operator wants it restarted and its failures forgotten.
    Reset(usize),
    /// Time passed.
    Wake,
    /// Stop everything.
    Shutdown,
    /// A component has stopped for good.
    Stopped(usize),
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeAction {
    /// Start it, or start it anew.
    Start(usize),
    /// It failed and will be started after this pause.
    Pause(usize, Duration),
    /// Stop its job, keep its queue: a producer is down.
    Hold(usize),
    /// Give it up until it is reset.
    Quarantine(usize),
    /// Take no more work, finish what runs.
    Drain(usize),
    /// Cancel what runs.
    Stop(usize),
    /// Everything has stopped, or had time enough to.
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChildState {
    /// Not started, or held: starts once its producers are settled.
    Waiting,
    Starting,
    Up {
        since: Time,
    },
    Backoff {
        until: Time,
    },
    Quarantined {
        retry: Option<Time>,
    },
    Stopped,
}

#[derive(Debug)]
struct Child {
    state: ChildState,
    /// When it failed, within the period.
    failures: VecDeque<Time>,
    /// Failures in a row.
    streak: u32,
    /// Tried again after quarantine by the timer: the next failure is one too many.
    probation: bool,
    producers: Vec<usize>,
}

/// The state of all components, as the supervisor sees it.
#[derive(Debug)]
pub struct Tree {
    rules: RestartRules,
    rng: Xoshiro256PlusPlus,
    children: Vec<Child>,
    /// Producers before their consumers.
    order: Vec<usize>,
    shutdown: Option<Shutdown>,
}

#[derive(Clone, Copy, Debug)]
struct Shutdown {
    cancel_at: Time,
    give_up_at: Time,
    cancelled: bool,
    finished: bool,
}

impl Tree {
    /// A tree of `producers.len()` components; `producers[i]` are the ones `i` consumes from, `order` lists
    /// producers before their consumers.
    #[must_use]
    pub fn new(rules: RestartRules, producers: Vec<Vec<usize>>, order: Vec<usize>, seed: u64) -> Self {
        let child = |producers| Child {
            state: ChildState::Waiting,
            failures: VecDeque::new(),
            streak: 0,
            probation: false,
            producers,
        };
        let children = producers.into_iter().map(child).collect();
        Self { rules, rng: Xoshiro256PlusPlus::seed_from_u64(seed), children, order, shutdown: None }
    }

    /// Takes in what happened and says what to do, in this order.
    pub fn on(&mut self, event: TreeEvent, now: Time) -> Vec<TreeAction> {
        let mut actions = Vec::new();
        match event {
            TreeEvent::Begin => {}
            TreeEvent::Up(child) => self.up(child, now),
            TreeEvent::Down(child) => self.down(child, now, &mut actions),
            TreeEvent::Reset(child) => self.reset(child, &mut actions),
            TreeEvent::Wake => self.wake(now, &mut actions),
            TreeEvent::Shutdown => self.shut_down(now, &mut actions),
            TreeEvent::Stopped(child) => self.set(child, ChildState::Stopped),
        }
        match &mut self.shutdown {
            None => self.start_whoever_can(&mut actions),
            Some(shutdown) => {
                let all = self.children.iter().all(|child| child.state == ChildState::Stopped);
                if (all || now >= shutdown.give_up_at) && !shutdown.finished {
                    shutdown.finished = true;
                    actions.push(TreeAction::Finished);
                }
            }
        }
        actions
    }

    /// When to call [`on`](Self::on) with [`TreeEvent::Wake`] at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        if let Some(shutdown) = &self.shutdown {
            let next = if shutdown.cancelled { shutdown.give_up_at } else { shutdown.cancel_at };
            return (!shutdown.finished).then_some(next);
        }
        let wakes = self.children.iter().filter_map(|child| match child.state {
            ChildState::Backoff { until } => Some(until),
            ChildState::Quarantined { retry } => retry,
            _ => None,
        });
        wakes.min()
    }

    /// Failures of a component within the period up to `now`.
    #[must_use]
    pub fn failures_in_window(&self, child: usize, now: Time) -> usize {
        let Some(child) = self.children.get(child) else { return 0 };
        child.failures.iter().filter(|&&at| now.saturating_sub(at) <= self.rules.period).count()
    }

    /// Components that have not reported that they stopped.
    #[must_use]
    pub fn not_stopped(&self) -> Vec<usize> {
        (0..self.children.len()).filter(|&i| self.children[i].state != ChildState::Stopped).collect()
    }

    fn set(&mut self, child: usize, state: ChildState) {
        if let Some(child) = self.children.get_mut(child) {
            child.state = state;
        }
    }

    fn up(&mut self, child: usize, now: Time) {
        // A held component may have become ready just before it learnt of it: it will be started again.
        if let Some(child) = self.children.get_mut(child)
            && child.state == ChildState::Starting
        {
            child.state = ChildState::Up { since: now };
        }
    }

    fn down(&mut self, index: usize, now: Time, actions: &mut Vec<TreeAction>) {
        if self.shutdown.is_some() {
            return;
        }
        let rules = self.rules;
        let Some(child) = self.children.get_mut(index) else { return };
        match child.state {
            ChildState::Quarantined { .. } | ChildState::Stopped => return,
            ChildState::Up { since } if now.saturating_sub(since) >= rules.healthy_after => {
                child.streak = 0;
                child.probation = false;
            }
            _ => {}
        }
        child.failures.push_back(now);
        while child.failures.front().is_some_and(|&at| now.saturating_sub(at) > rules.period) {
            child.failures.pop_front();
        }
        if child.failures.len() > rules.intensity || child.probation {
            let retry = rules.quarantine_retry.map(|after| now.saturating_add(after));
            child.state = ChildState::Quarantined { retry };
            actions.push(TreeAction::Quarantine(index));
            return;
        }
        let pause = rules.backoff.pause(child.streak, &mut self.rng);
        child.streak = child.streak.saturating_add(1);
        child.state = ChildState::Backoff { until: now.saturating_add(pause) };
        actions.push(TreeAction::Pause(index, pause));
        self.hold_consumers(index, actions);
    }

    /// Holds whoever consumes from `index`, directly or not, the last in line first.
    fn hold_consumers(&mut self, index: usize, actions: &mut Vec<TreeAction>) {
        let mut affected = vec![false; self.children.len()];
        affected[index] = true;
        for &i in &self.order {
            affected[i] |= self.children[i].producers.iter().any(|&p| affected[p]);
        }
        for &i in self.order.iter().rev().filter(|&&i| i != index && affected[i]) {
            let state = &mut self.children[i].state;
            if matches!(state, ChildState::Starting | ChildState::Up { .. }) {
                *state = ChildState::Waiting;
                actions.push(TreeAction::Hold(i));
            }
        }
    }

    fn reset(&mut self, index: usize, actions: &mut Vec<TreeAction>) {
        if self.shutdown.is_some() || index >= self.children.len() {
            return;
        }
        let child = &mut self.children[index];
        child.failures.clear();
        child.streak = 0;
        child.probation = false;
        let running = matches!(child.state, ChildState::Starting | ChildState::Up { .. });
        child.state = ChildState::Waiting;
        if running {
            self.hold_consumers(index, actions);
        }
    }

    fn wake(&mut self, now: Time, actions: &mut Vec<TreeAction>) {
        if let Some(shutdown) = &mut self.shutdown {
            if now >= shutdown.cancel_at && !shutdown.cancelled {
                shutdown.cancelled = true;
                let running = self.order.iter().rev().filter(|&&i| self.children[i].state != ChildState::Stopped);
                actions.extend(running.map(|&i| TreeAction::Stop(i)));
            }
            return;
        }
        for child in &mut self.children {
            match child.state {
                ChildState::Backoff { until } if now >= until => child.state = ChildState::Waiting,
                ChildState::Quarantined { retry: Some(retry) } if now >= retry => {
                    child.probation = true;
                    child.state = ChildState::Waiting;
                }
                _ => {}
            }
        }
    }

    fn shut_down(&mut self, now: Time, actions: &mut Vec<TreeAction>) {
        if self.shutdown.is_some() {
            return;
        }
        let cancel_at = now.saturating_add(self.rules.drain);
        let give_up_at = cancel_at.saturating_add(self.rules.stop);
        self.shutdown = Some(Shutdown { cancel_at, give_up_at, cancelled: false, finished: false });
        actions.extend(self.order.iter().rev().map(|&i| TreeAction::Drain(i)));
    }

    /// A component may start once whatever it consumes from works, or was given up: what a quarantined producer
    /// found last is still in the store.
    fn start_whoever_can(&mut self, actions: &mut Vec<TreeAction>) {
        for &i in &self.order {
            let settled =
                |&p: &usize| matches!(self.children[p].state, ChildState::Up { .. } | ChildState::Quarantined { .. });
            if self.children[i].state == ChildState::Waiting && self.children[i].producers.iter().all(settled) {
                self.children[i].state = ChildState::Starting;
                actions.push(TreeAction::Start(i));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn rules() -> RestartRules {
        RestartRules {
            intensity: 2,
            period: 1000 * MS,
            backoff: Backoff { min: 10 * MS, max: 100 * MS, jitter_percent: 0 },
            healthy_after: 500 * MS,
            quarantine_retry: Some(2000 * MS),
            drain: 50 * MS,
            stop: 20 * MS,
        }
    }

    /// 0 feeds 1, 1 feeds 2; 3 stands alone.
    fn running() -> Tree {
        let producers = vec![vec![], vec![0], vec![1], vec![]];
        let mut tree = Tree::new(rules(), producers, vec![0, 1, 2, 3], 1);
        assert_eq!(tree.on(TreeEvent::Begin, Time::ZERO), [TreeAction::Start(0), TreeAction::Start(3)]);
        assert_eq!(tree.on(TreeEvent::Up(0), Time::ZERO), [TreeAction::Start(1)]);
        assert_eq!(tree.on(TreeEvent::Up(1), Time::ZERO), [TreeAction::Start(2)]);
        assert_eq!(tree.on(TreeEvent::Up(2), Time::ZERO), []);
        assert_eq!(tree.on(TreeEvent::Up(3), Time::ZERO), []);
        tree
    }

    #[test]
    fn consumers_wait_for_their_producer_and_start_after_it() {
        let mut tree = running();
        let held = [TreeAction::Pause(0, 10 * MS), TreeAction::Hold(2), TreeAction::Hold(1)];
        assert_eq!(tree.on(TreeEvent::Down(0), 100 * MS), held);
        assert_eq!(tree.next_wake(), Some(110 * MS));
        assert_eq!(tree.on(TreeEvent::Wake, 109 * MS), []);
        assert_eq!(tree.on(TreeEvent::Wake, 110 * MS), [TreeAction::Start(0)]);
        assert_eq!(tree.on(TreeEvent::Up(0), 120 * MS), [TreeAction::Start(1)]);
        assert_eq!(tree.on(TreeEvent::Up(1), 120 * MS), [TreeAction::Start(2)]);
    }

    #[test]
    fn one_failure_too_many_is_quarantine_and_lets_the_consumers_go_on() {
        let mut tree = running();
        for at in [100, 200] {
            tree.on(TreeEvent::Down(0), at * MS);
            tree.on(TreeEvent::Wake, (at + 50) * MS);
            tree.on(TreeEvent::Up(0), (at + 50) * MS);
        }
        let given_up = tree.on(TreeEvent::Down(0), 300 * MS);
        assert_eq!(given_up, [TreeAction::Quarantine(0)]);
        assert_eq!(tree.on(TreeEvent::Down(0), 310 * MS), []);
        assert_eq!(tree.on(TreeEvent::Reset(0), 400 * MS), [TreeAction::Start(0)]);
        assert_eq!(tree.failures_in_window(0, 400 * MS), 0);
    }

    #[test]
    fn the_timer_tries_a_quarantined_one_once() {
        let mut tree = running();
        for at in [100, 110, 120] {
            tree.on(TreeEvent::Down(3), at * MS);
        }
        assert_eq!(tree.next_wake(), Some(2120 * MS));
        assert_eq!(tree.on(TreeEvent::Wake, 2120 * MS), [TreeAction::Start(3)]);
        assert_eq!(tree.on(TreeEvent::Down(3), 2130 * MS), [TreeAction::Quarantine(3)]);
    }

    #[test]
    fn a_long_good_time_makes_the_pause_short_again() {
        let mut tree = running();
        assert!(tree.on(TreeEvent::Down(3), 100 * MS).contains(&TreeAction::Pause(3, 10 * MS)));
        tree.on(TreeEvent::Wake, 110 * MS);
        tree.on(TreeEvent::Up(3), 110 * MS);
        assert!(tree.on(TreeEvent::Down(3), 120 * MS).contains(&TreeAction::Pause(3, 20 * MS)));
        tree.on(TreeEvent::Wake, 140 * MS);
        tree.on(TreeEvent::Up(3), 140 * MS);
        assert!(tree.on(TreeEvent::Down(3), 2000 * MS).contains(&TreeAction::Pause(3, 10 * MS)));
    }

    #[test]
    fn shutdown_interrupts_pauses_and_ends_without_the_silent() {
        let mut tree = running();
        tree.on(TreeEvent::Down(0), 100 * MS);
        let drain = tree.on(TreeEvent::Shutdown, 101 * MS);
        assert_eq!(drain, [3, 2, 1, 0].map(TreeAction::Drain));
        assert_eq!(tree.on(TreeEvent::Wake, 120 * MS), [], "no restart after shutdown began");
        for child in [0, 1, 2] {
            assert_eq!(tree.on(TreeEvent::Stopped(child), 130 * MS), []);
        }
        assert_eq!(tree.on(TreeEvent::Wake, 151 * MS), [TreeAction::Stop(3)]);
        assert_eq!(tree.on(TreeEvent::Wake, 171 * MS), [TreeAction::Finished]);
        assert_eq!((tree.not_stopped(), tree.next_wake()), (vec![3], None));
    }
}
