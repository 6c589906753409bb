//! Who waits for which batch. Equal questions wait together and are answered together.

use std::collections::VecDeque;
use std::time::Duration;

use souffleur_core::query::Query;

/// What a batch can be asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The rows that answer a query.
    Query(Box<Query>),
    /// The rows this model was trained on.
    Model(String),
}

/// Those who asked the same.
#[derive(Debug)]
pub(crate) struct Flight<A> {
    /// What they asked.
    pub(crate) question: Question,
    /// They, and until when they wait.
    pub(crate) askers: Vec<(A, Duration)>,
}

/// A bounded line of questions, first come, first served.
#[derive(Debug)]
pub(crate) struct Waiting<A> {
    capacity: usize,
    line: VecDeque<Flight<A>>,
}

impl<A> Waiting<A> {
    /// A line for up to `capacity` askers.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, line: VecDeque::new() }
    }

    /// Adds an asker who waits until `deadline`; hands it back if the line is full.
    pub(crate) fn join(&mut self, question: Question, asker: A, deadline: Duration) -> Result<(), A> {
        if self.len() >= self.capacity {
            return Err(asker);
        }
        match self.line.iter_mut().find(|flight| flight.question == question) {
            Some(flight) => flight.askers.push((asker, deadline)),
            None => self.line.push_back(Flight { question, askers: vec![(asker, deadline)] }),
        }
        Ok(())
    }

    /// The question whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Flight<A>> {
        self.line.pop_front()
    }

    /// Those who have waited long enough.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<A> {
        let expired = self.line.iter_mut().flat_map(|flight| flight.expire(now)).collect();
        self.line.retain(|flight| !flight.askers.is_empty());
        expired
    }

    /// Everybody.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = A> {
        self.line.drain(..).flat_map(|flight| flight.askers).map(|(asker, _)| asker)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.line.iter().map(|flight| flight.askers.len()).sum()
    }
}

impl<A> Flight<A> {
    /// Those who have waited long enough; they leave.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<A> {
        self.askers.extract_if(.., |(_, deadline)| *deadline <= now).map(|(asker, _)| asker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn all() -> Question {
        Question::Query(Box::default())
    }

    #[test]
    fn equal_questions_wait_together_within_the_limit() {
        let mut waiting = Waiting::new(3);
        let other = Question::Model("m".into());
        assert_eq!(waiting.join(all(), 1, NOW), Ok(()));
        assert_eq!(waiting.join(other.clone(), 2, NOW), Ok(()));
        assert_eq!(waiting.join(all(), 3, NOW), Ok(()));
        assert_eq!(waiting.join(all(), 4, NOW), Err(4));
        let first = waiting.next().unwrap();
        assert_eq!((first.question, first.askers), (all(), vec![(1, NOW), (3, NOW)]));
        assert_eq!(waiting.next().unwrap().question, other);
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn who_has_waited_long_enough_leaves() {
        let mut waiting = Waiting::new(3);
        waiting.join(all(), 1, NOW).unwrap();
        waiting.join(all(), 2, NOW * 2).unwrap();
        assert_eq!(waiting.expire(NOW), [1]);
        assert_eq!(waiting.expire(NOW * 2), [2]);
        assert!(waiting.next().is_none());
    }
}
