//! Ten kinds of planted contexts in the 31-column layout: what a clustering of contexts can be held against.
//!
//! The structure lies in the columns that describe a context: the ten linguistic ones, project type, domain, complexity
//! and team size. The five scores of the prompt, and whether it shows an example, are drawn without regard to it and must
//! mislead nobody. How difficult a mixture is says its [`Mixture::ceiling`].

use ndarray::{Array2, ArrayView1};
use rand::Rng;
use souffleur_core::features::{TEAM_SIZE, WIDTH};

use crate::draw::{generator, weighted};

mod plan;

use plan::Plan;

/// Where the linguistic columns begin.
const LINGUISTIC_START: usize = 5;
/// The column that says whether a prompt shows an example: yes or no, whatever the group.
const HAS_EXAMPLES: usize = 13;
/// Columns whose values vary freely: the linguistic ones but that one, and the team size.
const FREE: [usize; 10] = [5, 6, 7, 8, 9, 10, 11, 12, 14, TEAM_SIZE];
/// Share of rows with an example.
const EXAMPLES_SHARE: f64 = 0.3;
/// Share of rows of [`MixtureKind::Noisy`] that belong to no group.
const NOISE_SHARE: f64 = 0.2;
/// Share of rows of [`MixtureKind::OneHot`] whose project type, and independently whose domain, is drawn from all seven.
const STRAY_SHARE: f64 = 1.0 / 30.0;

/// A kind of structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MixtureKind {
    /// Five round groups of equal size and density.
    Blobs,
    /// Four groups stretched threefold along directions of their own.
    Anisotropic,
    /// Four round groups whose spreads differ fourfold.
    VaryingDensity,
    /// Four round groups of 55, 25, 12 and 8 % of the rows.
    UnequalSizes,
    /// Two half moons, one reaching into the other, in two columns; everything else is noise around one place.
    Moons,
    /// Six teams told apart by project type and domain; one in thirty rows has a stray one. Text differs little.
    OneHot,
    /// Five round groups among 20 % of rows anywhere.
    Noisy,
    /// Four round groups in a chain, each so near to the next that their rows touch.
    Overlapping,
    /// Fifteen small round groups.
    ManySmall,
    /// Four groups, each spread along two latent factors across all columns.
    Latent,
}

impl MixtureKind {
    /// All kinds.
    pub const ALL: [MixtureKind; 10] = [
        Self::Blobs,
        Self::Anisotropic,
        Self::VaryingDensity,
        Self::UnequalSizes,
        Self::Moons,
        Self::OneHot,
        Self::Noisy,
        Self::Overlapping,
        Self::ManySmall,
        Self::Latent,
    ];

    /// The kind's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Anisotropic => "anisotropic",
            Self::VaryingDensity => "varying_density",
            Self::UnequalSizes => "unequal_sizes",
            Self::Moons => "moons",
            Self::OneHot => "one_hot",
            Self::Noisy => "noisy",
            Self::Overlapping => "overlapping",
            Self::ManySmall => "many_small",
            Self::Latent => "latent",
        }
    }

    /// How often each group occurs, relative to the others.
    fn weights(self) -> Vec<f64> {
        match self {
            Self::Blobs | Self::Noisy => vec![1.0; 5],
            Self::UnequalSizes => vec![0.55, 0.25, 0.12, 0.08],
            Self::Moons => vec![1.0; 2],
            Self::OneHot => vec![1.0; 6],
            Self::ManySmall => vec![1.0; 15],
            Self::Anisotropic | Self::VaryingDensity | Self::Overlapping | Self::Latent => vec![1.0; 4],
        }
    }

    /// Share of rows that belong to no group.
    fn noise_share(self) -> f64 {
        if self == Self::Noisy { NOISE_SHARE } else { 0.0 }
    }
}

/// Rows of planted groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Rows x 31, each value in [0, 1].
    pub features: Array2<f32>,
    /// The group of each row; -1 for a row of none.
    pub labels: Vec<i32>,
    /// The share of these rows that somebody would place rightly who knows how the groups are drawn: each row where its
    /// density is highest. Nobody who does not know can expect more.
    pub ceiling: f64,
}

/// `n` rows of a kind, drawn from `seed`. A longer mixture begins like a shorter one.
#[must_use]
pub fn mixture(kind: MixtureKind, seed: u64, n: usize) -> Mixture {
    let plan = Plan::draw(kind, &mut generator(seed, u64::MAX - kind as u64));
    let weights = kind.weights();
    let mut features = Array2::zeros((n, WIDTH));
    let mut labels = Vec::with_capacity(n);
    let mut right = 0;
    for (i, mut row) in features.outer_iter_mut().enumerate() {
        let mut rng = generator(seed ^ (kind as u64) << 32, i as u64);
        let group = weighted(&mut rng, &weights);
        let group = if rng.gen_bool(kind.noise_share()) { None } else { Some(group) };
        let drawn = plan.row(group, &mut rng);
        row.assign(&ArrayView1::from(&drawn));
        right += usize::from(plan.likeliest(&drawn) == group);
        labels.push(group.map_or(-1, |group| group as i32));
    }
    Mixture { features, labels, ceiling: right as f64 / n.max(1) as f64 }
}

#[cfg(test)]
mod tests {
    use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START};

    use super::*;

    #[test]
    fn every_kind_keeps_to_the_layout_and_to_its_groups() {
        for kind in MixtureKind::ALL {
            let found = mixture(kind, 3, 2000);
            assert!(found.features.iter().all(|v| (0.0..=1.0).contains(v)), "{}", kind.name());
            for row in found.features.outer_iter() {
                let ones = |range: std::ops::Range<usize>| range.map(|c| row[c]).sum::<f32>();
                assert_eq!((ones(PROJECT_TYPE_START..DOMAIN_START), ones(DOMAIN_START..COMPLEXITY)), (1.0, 1.0));
                assert!(row[HAS_EXAMPLES] == 0.0 || row[HAS_EXAMPLES] == 1.0);
            }
            for (group, weight) in kind.weights().iter().enumerate() {
                let share = found.labels.iter().filter(|l| **l == group as i32).count() as f64 / 2000.0;
                let expected = weight / kind.weights().iter().sum::<f64>() * (1.0 - kind.noise_share());
                assert!((share - expected).abs() < 0.05, "{} group {group}: {share}", kind.name());
            }
        }
    }

    #[test]
    fn no_kind_is_trivial_and_none_is_hopeless() {
        for kind in MixtureKind::ALL {
            let ceilings: Vec<f64> = (0..10).map(|seed| mixture(kind, seed, 1500).ceiling).collect();
            let least = ceilings.iter().copied().fold(1.0, f64::min);
            println!("{}: {ceilings:.3?}", kind.name());
            assert!(least > 0.9, "{}: {ceilings:.3?}", kind.name());
        }
    }

    #[test]
    fn a_longer_mixture_begins_like_a_shorter_one_and_seeds_differ() {
        let (short, long) = (mixture(MixtureKind::Latent, 5, 50), mixture(MixtureKind::Latent, 5, 80));
        assert_eq!(short.features, long.features.slice(ndarray::s![..50, ..]));
        assert_ne!(short, mixture(MixtureKind::Latent, 6, 50));
    }
}
