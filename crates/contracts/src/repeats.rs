//! Sessions with equal features: repeated, or with contradicting outcomes.
//!
//! Which sessions are looked at is decided by a hash of their features alone (distinct sampling, Gibbons 2001): a group of equal
//! sessions is looked at as a whole or not at all, so that shares among those looked at are shares of all.

use std::collections::{BTreeMap, HashMap};

use souffleur_core::features::WIDTH;
use souffleur_core::records::{FAILURE_BELOW, success_score};
use xxhash_rust::xxh3::xxh3_64;

use crate::finding::{Check, Finding, Severity};
use crate::settings::ContractSettings;

/// Members of one group that are looked at one by one; further ones are only counted.
const GROUP_MAX: usize = 1000;
/// Sessions in groups that an estimate of noise needs.
const NOISE_ROWS_MIN: u64 = 50;

struct Member {
    seq: i64,
    quality: f32,
    improvement: f32,
    rating_sum: u32,
    ratings: u32,
}

impl Member {
    /// Whether the session failed; `None` if its outcome is unknown.
    fn failed(&self) -> Option<bool> {
        let rating = if self.ratings == 0 { f64::NAN } else { f64::from(self.rating_sum) / f64::from(self.ratings) };
        let score = success_score(rating, self.quality.into(), self.improvement.into());
        (!score.is_nan()).then_some(score < FAILURE_BELOW)
    }

    fn outcome(&self) -> [u32; 4] {
        [self.quality.to_bits(), self.improvement.to_bits(), self.rating_sum, self.ratings]
    }
}

#[derive(Default)]
struct Group {
    members: Vec<Member>,
    beyond: u64,
}

/// What was found about repetitions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Repetitions {
    /// Sessions looked at.
    pub(crate) looked_at: u64,
    /// Those equal to an earlier one in features and outcome.
    pub(crate) exact: u64,
    /// Those equal to an earlier one in features.
    pub(crate) same_features: u64,
    /// The first session that repeats another exactly.
    pub(crate) first_exact: Option<i64>,
    /// Sessions of known outcome in groups of at least two.
    pub(crate) in_groups: u64,
    /// Probability that two of one group disagree, groups weighted by their size.
    pub(crate) disagreement: f64,
    /// The first session of a group that contradicts itself.
    pub(crate) first_contradiction: Option<i64>,
}

impl Repetitions {
    /// Rate of flipped labels that makes so many pairs disagree: two labels of one truth, each flipped with probability `e`,
    /// disagree with `2 e (1 - e)`. At most one half.
    pub(crate) fn flipped(&self) -> f64 {
        (1.0 - (1.0 - 2.0 * self.disagreement.min(0.5)).max(0.0).sqrt()) / 2.0
    }
}

/// Collects sessions by their features, a bounded number of them.
pub(crate) struct Repeats {
    groups: BTreeMap<u64, Group>,
    places: HashMap<i64, (u64, usize)>,
    members_max: usize,
    /// Hashes with so many zeros at their end are looked at.
    level: u32,
}

impl Repeats {
    pub(crate) fn new(members_max: usize) -> Self {
        Self { groups: BTreeMap::new(), places: HashMap::new(), members_max, level: 0 }
    }

    pub(crate) fn session(&mut self, seq: i64, features: &[f32], quality: f32, improvement: f32) {
        let mut bytes = [0; WIDTH * 4];
        for (place, value) in bytes.chunks_exact_mut(4).zip(features) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        let hash = xxh3_64(&bytes);
        if hash.trailing_zeros() < self.level {
            return;
        }
        let group = self.groups.entry(hash).or_default();
        if group.members.len() == GROUP_MAX {
            group.beyond += 1;
            return;
        }
        self.places.insert(seq, (hash, group.members.len()));
        group.members.push(Member { seq, quality, improvement, rating_sum: 0, ratings: 0 });
        while self.places.len() > self.members_max && self.level < u64::BITS {
            self.level += 1;
            let level = self.level;
            self.groups.retain(|hash, _| hash.trailing_zeros() >= level);
            self.places.retain(|_, (hash, _)| hash.trailing_zeros() >= level);
        }
    }

    pub(crate) fn rating(&mut self, session: i64, rating: u8) {
        if let Some((hash, place)) = self.places.get(&session)
            && let Some(member) = self.groups.get_mut(hash).and_then(|group| group.members.get_mut(*place))
        {
            member.rating_sum = member.rating_sum.saturating_add(rating.into());
            member.ratings = member.ratings.saturating_add(1);
        }
    }

    pub(crate) fn count(&self) -> Repetitions {
        let mut found = Repetitions::default();
        let mut weighted = 0.0;
        for group in self.groups.values() {
            let members = group.members.len() as u64;
            found.looked_at += members + group.beyond;
            found.same_features += members + group.beyond - 1;
            let mut outcomes: Vec<([u32; 4], i64)> = group.members.iter().map(|m| (m.outcome(), m.seq)).collect();
            outcomes.sort_unstable();
            for pair in outcomes.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
                found.exact += 1;
                found.first_exact = Some(found.first_exact.map_or(pair[1].1, |first| first.min(pair[1].1)));
            }
            let failed = group.members.iter().filter(|m| m.failed() == Some(true)).count() as f64;
            let succeeded = group.members.iter().filter(|m| m.failed() == Some(false)).count() as f64;
            let known = failed + succeeded;
            if known >= 2.0 {
                found.in_groups += known as u64;
                weighted += known * (2.0 * failed * succeeded / (known * (known - 1.0)));
                if let Some(first) = group.members.first().filter(|_| failed > 0.0 && succeeded > 0.0) {
                    let earliest = found.first_contradiction.map_or(first.seq, |known| known.min(first.seq));
                    found.first_contradiction = Some(earliest);
                }
            }
        }
        if found.in_groups > 0 {
            found.disagreement = weighted / found.in_groups as f64;
        }
        found
    }
}

/// What is wrong with repetitions.
pub(crate) fn duplicates(found: &Repetitions, settings: &ContractSettings) -> Option<Finding> {
    let share = |count: u64| if found.looked_at == 0 { 0.0 } else { count as f64 / found.looked_at as f64 };
    let (exact, same) = (share(found.exact), share(found.same_features));
    if exact < settings.duplicates_from && same < 4.0 * settings.duplicates_from {
        return None;
    }
    let severity = if exact >= settings.duplicates_from { Severity::Warning } else { Severity::Info };
    let problem = format!(
        "{:.1} % of sessions equal an earlier one in features and outcome, {:.1} % in features (of {} looked at)",
        100.0 * exact,
        100.0 * same,
        found.looked_at
    );
    let expected =
        "each session recorded once, under one `session_id`; what is repeated on purpose counts several times";
    let finding = Finding::new(Check::Duplicates, severity, "prompt_sessions", problem, expected)
        .figure("exact_share", exact)
        .figure("same_features_share", same)
        .figure("limit", settings.duplicates_from);
    Some(match found.first_exact {
        Some(seq) => finding.first_at(seq),
        None => finding,
    })
}

/// Whether there are enough sessions with equal features to speak of noise.
pub(crate) fn noise_is_judged(found: &Repetitions) -> bool {
    found.in_groups >= NOISE_ROWS_MIN
}

/// What is wrong with outcomes of equal sessions.
pub(crate) fn label_noise(found: &Repetitions, settings: &ContractSettings) -> Option<Finding> {
    let flipped = found.flipped();
    if !noise_is_judged(found) || flipped < settings.label_noise_from {
        return None;
    }
    let problem = format!(
        "two sessions with equal features contradict each other with probability {:.2} ({} such sessions): as if {:.1} % \
         of outcomes were the wrong way round, less whatever chance and the rules applied explain",
        found.disagreement,
        found.in_groups,
        100.0 * flipped
    );
    let expected =
        "the same prompt in the same context judged alike: look at who judges, or record what tells them apart";
    let finding = Finding::new(Check::LabelNoise, Severity::Warning, "prompt_sessions.outcome", problem, expected)
        .figure("flipped", flipped)
        .figure("disagreement", found.disagreement)
        .figure("limit", settings.label_noise_from);
    Some(match found.first_contradiction {
        Some(seq) => finding.first_at(seq),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn features(of: u32) -> [f32; WIDTH] {
        let mut features = [0.5; WIDTH];
        features[0] = of as f32 / 1e6;
        features
    }

    #[test]
    fn planted_noise_is_recovered_from_a_sample_too() {
        for (members_max, flip) in [(1_000_000, 0.0), (1_000_000, 0.15), (5_000, 0.15), (5_000, 0.4)] {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
            let mut repeats = Repeats::new(members_max);
            for prompt in 0..10_000u32 {
                let truth = random.gen_bool(0.6);
                for copy in 0..4 {
                    let quality = if truth ^ random.gen_bool(flip) { 0.9 } else { 0.1 };
                    repeats.session(i64::from(prompt * 4 + copy), &features(prompt), quality, f32::NAN);
                }
            }
            let found = repeats.count();
            assert!((found.flipped() - flip).abs() < 0.03, "{flip}: {} of {members_max}", found.flipped());
            assert!((found.same_features as f64 / found.looked_at as f64 - 0.75).abs() < 0.01);
            assert!(repeats.places.len() <= members_max);
        }
    }

    #[test]
    fn one_group_larger_than_the_limit_stays_within_it() {
        let mut repeats = Repeats::new(5_000);
        (0..20_000).for_each(|seq| repeats.session(seq, &features(1), 0.9, 0.1));
        let found = repeats.count();
        assert_eq!((found.looked_at, found.same_features, repeats.places.len()), (20_000, 19_999, GROUP_MAX));
    }

    #[test]
    fn ratings_decide_and_make_a_difference() {
        let mut repeats = Repeats::new(100);
        for seq in 1..=3 {
            repeats.session(seq, &features(1), 0.9, f32::NAN);
        }
        assert_eq!((repeats.count().exact, repeats.count().disagreement), (2, 0.0));
        repeats.rating(3, 1);
        repeats.rating(77, 1);
        let found = repeats.count();
        assert_eq!((found.exact, found.first_exact, found.first_contradiction), (1, Some(2), Some(1)));
        assert!((found.disagreement - 2.0 / 3.0).abs() < 1e-12);
    }
}
