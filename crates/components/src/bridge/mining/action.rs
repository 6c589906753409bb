//! What is done in a session: the part of a pattern one can choose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sessions::Sessions;

/// How far apart rules in order may lie, counted in rules applied; those of earlier revisions come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Within {
    /// Most others between two that follow each other; any number if absent.
    pub gap_max: Option<usize>,
    /// Most from the first to the last, both counted; any number if absent.
    pub span_max: Option<usize>,
}

/// Rules, and how they are applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// All of them, in any order; none for a pattern of circumstances alone.
    Together {
        /// The rules.
        rules: Vec<String>,
    },
    /// In this order, others may come in between.
    InOrder {
        /// Those applied in earlier revisions of the same prompt.
        earlier: Vec<String>,
        /// Those applied in the session itself.
        rules: Vec<String>,
        /// How far apart.
        within: Within,
    },
    /// Side by side: those of a path follow one another, in either direction, with nothing in between.
    Adjacent {
        /// The paths; rules that stand alone are paths of one.
        paths: Vec<Vec<String>>,
    },
}

impl Action {
    /// The rules, each once.
    pub(crate) fn rules(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = match self {
            Self::Together { rules } => rules.iter().map(String::as_str).collect(),
            Self::InOrder { earlier, rules, .. } => earlier.iter().chain(rules).map(String::as_str).collect(),
            Self::Adjacent { paths } => paths.iter().flatten().map(String::as_str).collect(),
        };
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// It in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Together { rules } => rules.join(" with "),
            Self::InOrder { earlier, rules, .. } if earlier.is_empty() => rules.join(", then "),
            Self::InOrder { earlier, rules, .. } => {
                format!("{} in an earlier revision, then {}", earlier.join(", then "), rules.join(", then "))
            }
            Self::Adjacent { paths } => {
                let path = |path: &Vec<String>| match path.len() {
                    1 => path.concat(),
                    _ => format!("{} side by side", path.join(" and ")),
                };
                paths.iter().map(path).collect::<Vec<_>>().join(" with ")
            }
        }
    }

    /// It in the numbers of these sessions' rules; nothing where a rule does not occur in them.
    pub(crate) fn resolve(&self, sessions: &Sessions<'_>) -> Option<Resolved> {
        let numbers = |names: &[String]| names.iter().map(|name| sessions.number(name)).collect::<Option<Vec<u32>>>();
        Some(match self {
            Self::Together { rules } => Resolved::Together(numbers(rules)?),
            Self::InOrder { earlier, rules, within } => {
                Resolved::InOrder { earlier: numbers(earlier)?, own: numbers(rules)?, within: *within }
            }
            Self::Adjacent { paths } => {
                Resolved::Adjacent(paths.iter().map(|path| numbers(path)).collect::<Option<Vec<_>>>()?)
            }
        })
    }
}

/// The rules of a session and of its earlier revisions, in order.
#[derive(Clone, Copy)]
pub(crate) struct Applied<'a> {
    pub(crate) own: &'a [u32],
    pub(crate) earlier: &'a [u32],
}

/// An action in numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resolved {
    Together(Vec<u32>),
    InOrder { earlier: Vec<u32>, own: Vec<u32>, within: Within },
    Adjacent(Vec<Vec<u32>>),
}

impl Resolved {
    /// It by name.
    pub(crate) fn named(&self, sessions: &Sessions<'_>) -> Action {
        let names = |rules: &[u32]| rules.iter().map(|rule| sessions.name(*rule)).collect::<Vec<_>>();
        match self {
            Self::Together(rules) => Action::Together { rules: names(rules) },
            Self::InOrder { earlier, own, within } => {
                Action::InOrder { earlier: names(earlier), rules: names(own), within: *within }
            }
            Self::Adjacent(paths) => Action::Adjacent { paths: paths.iter().map(|path| names(path)).collect() },
        }
    }

    /// Whether it was done.
    pub(crate) fn holds(&self, applied: Applied<'_>) -> bool {
        match self {
            Self::Together(rules) => rules.iter().all(|rule| applied.own.contains(rule)),
            Self::InOrder { earlier, own, within } => {
                let rules: Vec<(bool, u32)> =
                    earlier.iter().map(|rule| (true, *rule)).chain(own.iter().map(|rule| (false, *rule))).collect();
                (0..applied.len()).any(|first| applied.fits(&rules, first, first, *within))
            }
            Self::Adjacent(paths) => lies_on(paths, applied.own, &mut vec![false; applied.own.len()]),
        }
    }

    /// What sessions it is compared in, and so what about it is judged: for each comparison all of these hold.
    ///
    /// Rules together are compared with all of them but one, an order with other orders of the same rules (what came in earlier
    /// revisions with nothing of it there), neighbours with the same rules apart; and where there are more than two rules, with
    /// what already has the shorter order, or path, and the further rule elsewhere. A pattern must hold in all comparisons.
    pub(crate) fn comparisons(&self) -> Vec<Vec<Self>> {
        let without = |rules: &[u32], at: usize| {
            rules.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, rule)| *rule).collect::<Vec<u32>>()
        };
        match self {
            Self::Together(rules) if rules.is_empty() => vec![Vec::new()],
            Self::Together(rules) => (0..rules.len()).map(|at| vec![Self::Together(without(rules, at))]).collect(),
            Self::InOrder { earlier, own, within } if earlier.is_empty() && own.len() > 2 => {
                let shorter = |at: usize| Self::InOrder { earlier: Vec::new(), own: without(own, at), within: *within };
                (0..own.len()).map(|at| vec![shorter(at), Self::Together(vec![own[at]])]).collect()
            }
            Self::InOrder { earlier, own, .. } if earlier.is_empty() => vec![vec![Self::Together(own.clone())]],
            Self::InOrder { own, within, .. } => {
                vec![vec![Self::InOrder { earlier: Vec::new(), own: own.clone(), within: *within }]]
            }
            Self::Adjacent(paths) => match &paths[..] {
                [path] if path.len() > 2 => {
                    let shorter = |at: usize| vec![Self::Adjacent(vec![without(path, at), vec![path[at]]])];
                    vec![shorter(0), shorter(path.len() - 1)]
                }
                _ => vec![vec![Self::Together(paths.concat())]],
            },
        }
    }

    /// Whether its opposite is an action of the same kind: then what fails says nothing that what succeeds does not.
    pub(crate) fn is_mirrored(&self) -> bool {
        matches!(self, Self::InOrder { .. })
    }

    /// Whether only sessions with an earlier revision can be compared.
    pub(crate) fn needs_revisions(&self) -> bool {
        matches!(self, Self::InOrder { earlier, .. } if !earlier.is_empty())
    }
}

impl Applied<'_> {
    fn len(self) -> usize {
        self.earlier.len() + self.own.len()
    }

    /// Whether these rules, each of an earlier revision or of this session, can be laid on places from `at` on, the first of
    /// them there.
    fn fits(self, rules: &[(bool, u32)], first: usize, at: usize, within: Within) -> bool {
        let Some(((is_earlier, rule), rest)) = rules.split_first() else { return true };
        let there = match at.checked_sub(self.earlier.len()) {
            None => *is_earlier && self.earlier[at] == *rule,
            Some(own) => !*is_earlier && self.own.get(own) == Some(rule),
        };
        if !there {
            return false;
        }
        let end = within.gap_max.map_or(self.len(), |gap| at.saturating_add(gap).saturating_add(2));
        let end = end.min(within.span_max.map_or(self.len(), |span| first.saturating_add(span))).min(self.len());
        rest.is_empty() || (at + 1..end).any(|next| self.fits(rest, first, next, within))
    }
}

/// Whether the paths can be laid, in either direction, on places that are not taken.
fn lies_on(paths: &[Vec<u32>], applied: &[u32], taken: &mut [bool]) -> bool {
    let Some((path, rest)) = paths.split_first() else { return true };
    let n = path.len();
    for start in 0..(applied.len() + 1).saturating_sub(n) {
        let places = start..start + n;
        let there = &applied[places.clone()];
        let fits = there.iter().eq(path) || there.iter().rev().eq(path);
        if !fits || taken[places.clone()].contains(&true) {
            continue;
        }
        taken[places.clone()].fill(true);
        if lies_on(rest, applied, taken) {
            return true;
        }
        taken[places].fill(false);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(action: &Resolved, own: &[u32], earlier: &[u32]) -> bool {
        action.holds(Applied { own, earlier })
    }

    #[test]
    fn an_action_is_what_was_done() {
        let together = Resolved::Together(vec![3, 1]);
        assert!(holds(&together, &[1, 2, 3], &[]) && !holds(&together, &[1, 2], &[3]));
        let order = Resolved::InOrder { earlier: vec![5], own: vec![1, 3], within: Within::default() };
        assert!(holds(&order, &[1, 2, 3], &[4, 5]) && !holds(&order, &[3, 1], &[5]) && !holds(&order, &[1, 3], &[]));
        let near = |gap_max, span_max| {
            let within = Within { gap_max, span_max };
            holds(&Resolved::InOrder { earlier: Vec::new(), own: vec![1, 2, 3], within }, &[1, 1, 9, 2, 3], &[])
        };
        assert!(near(Some(1), Some(4)) && !near(Some(0), None) && !near(None, Some(3)));
        let side = Resolved::Adjacent(vec![vec![1, 2], vec![2]]);
        assert!(
            holds(&side, &[2, 4, 2, 1], &[]) && !holds(&side, &[2, 1, 4], &[]) && !holds(&side, &[2, 2, 4, 1], &[])
        );
        // The first place that fits is not always the right one.
        assert!(holds(&Resolved::Adjacent(vec![vec![1, 2], vec![2, 3]]), &[1, 2, 3, 2, 1], &[]));
    }

    #[test]
    fn each_kind_is_compared_with_what_it_claims_to_beat() {
        let together = |rules: &[u32]| Resolved::Together(rules.to_vec());
        let order = |earlier: &[u32], own: &[u32]| Resolved::InOrder {
            earlier: earlier.to_vec(),
            own: own.to_vec(),
            within: Within::default(),
        };
        assert_eq!(together(&[1, 2]).comparisons(), [[together(&[2])], [together(&[1])]]);
        assert_eq!(together(&[1]).comparisons(), [[together(&[])]]);
        assert_eq!(order(&[], &[2, 1]).comparisons(), [[together(&[2, 1])]]);
        let three = order(&[], &[3, 2, 1]).comparisons();
        assert_eq!(three[0], [order(&[], &[2, 1]), together(&[3])]);
        let revised = order(&[7], &[2]);
        assert_eq!(revised.comparisons(), [[order(&[], &[2])]]);
        assert!(revised.needs_revisions() && !order(&[], &[2, 1]).needs_revisions());
        let next = |paths: &[&[u32]]| Resolved::Adjacent(paths.iter().map(|path| path.to_vec()).collect());
        assert_eq!(next(&[&[1, 2]]).comparisons(), [[together(&[1, 2])]]);
        assert_eq!(next(&[&[1, 2, 3]]).comparisons(), [[next(&[&[2, 3], &[1]])], [next(&[&[1, 2], &[3]])]]);
    }

    #[test]
    fn actions_are_told_as_a_person_would() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let within = Within::default();
        let order = Action::InOrder { earlier: names(&["a"]), rules: names(&["b", "c"]), within };
        assert_eq!(order.words(), "a in an earlier revision, then b, then c");
        let side = Action::Adjacent { paths: vec![names(&["a", "b"]), names(&["c"])] };
        assert_eq!((side.words().as_str(), side.rules()), ("a and b side by side with c", vec!["a", "b", "c"]));
    }
}
