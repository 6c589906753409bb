//! Ten kinds of planted contexts in the 31-column layout: what a clustering of contexts can be held against.
//!
//! The structure lies in the columns that describe a context: the ten linguistic ones, project type, domain, complexity
//! and team size. The five scores of the prompt are drawn without regard to it and must mislead nobody.

use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};

use crate::draw::{Generator, generator, weighted};

/// Where the linguistic columns begin.
const LINGUISTIC_START: usize = 5;
/// Columns whose values vary freely: the linguistic ones and the team size.
const FREE: [usize; 11] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, TEAM_SIZE];

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
    /// Two half moons in two columns; everything else is noise around one place.
    Moons,
    /// A ring around a round group in two columns.
    Ring,
    /// Six teams told apart by project type and domain; one in thirty rows has a stray one. Text differs little.
    OneHot,
    /// Five round groups among 20 % of rows anywhere.
    Noisy,
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
        Self::Ring,
        Self::OneHot,
        Self::Noisy,
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
            Self::Ring => "ring",
            Self::OneHot => "one_hot",
            Self::Noisy => "noisy",
            Self::ManySmall => "many_small",
            Self::Latent => "latent",
        }
    }

    /// How often each group occurs, relative to the others.
    fn weights(self) -> Vec<f64> {
        match self {
            Self::Blobs | Self::Noisy => vec![1.0; 5],
            Self::UnequalSizes => vec![0.55, 0.25, 0.12, 0.08],
            Self::Moons | Self::Ring => vec![1.0; 2],
            Self::OneHot => vec![1.0; 6],
            Self::ManySmall => vec![1.0; 15],
            Self::Anisotropic | Self::VaryingDensity | Self::Latent => vec![1.0; 4],
        }
    }
}

/// Rows of planted groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Rows x 31, each value in [0, 1].
    pub features: Array2<f32>,
    /// The group of each row; -1 for a row of none.
    pub labels: Vec<i32>,
}

/// `n` rows of a kind, drawn from `seed`.
#[must_use]
pub fn mixture(kind: MixtureKind, seed: u64, n: usize) -> Mixture {
    let plan = Plan::draw(kind, &mut generator(seed, u64::MAX - kind as u64));
    let weights = kind.weights();
    let mut mixture = Mixture { features: Array2::zeros((n, WIDTH)), labels: Vec::with_capacity(n) };
    for i in 0..n {
        let mut rng = generator(seed ^ (kind as u64) << 32, i as u64);
        let group = weighted(&mut rng, &weights);
        let stray = kind == MixtureKind::Noisy && rng.gen_bool(0.2);
        let row = plan.row(if stray { None } else { Some(group) }, &mut rng);
        mixture.labels.push(if stray { -1 } else { group as i32 });
        row.iter().enumerate().for_each(|(column, value)| mixture.features[[i, column]] = *value);
    }
    mixture
}

/// What is fixed for all rows of a mixture.
struct Plan {
    kind: MixtureKind,
    /// Where each group lies, on the free columns.
    centres: Vec<[f64; FREE.len()]>,
    /// Two directions for each group.
    factors: Vec<[[f64; FREE.len()]; 2]>,
}

fn normal(rng: &mut Generator) -> f64 {
    StandardNormal.sample(rng)
}

impl Plan {
    fn draw(kind: MixtureKind, rng: &mut Generator) -> Self {
        let groups = kind.weights().len();
        let mut centres: Vec<[f64; FREE.len()]> = Vec::new();
        // Apart by six to seven times the spread of a round group: neighbouring ones nearly touch in this many columns.
        while centres.len() < groups {
            let centre: [f64; FREE.len()] = std::array::from_fn(|_| rng.gen_range(0.2..0.8));
            let apart =
                |other: &[f64; FREE.len()]| centre.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            if centres.iter().all(|other| apart(other).sqrt() > 0.42) {
                centres.push(centre);
            }
        }
        let mut direction = || {
            let drawn: [f64; FREE.len()] = std::array::from_fn(|_| normal(rng));
            let length = drawn.iter().map(|v| v * v).sum::<f64>().sqrt();
            drawn.map(|v| v / length)
        };
        let factors = (0..groups).map(|_| [direction(), direction()]).collect();
        Self { kind, centres, factors }
    }

    fn row(&self, group: Option<usize>, rng: &mut Generator) -> [f32; WIDTH] {
        let mut row = [0.0f32; WIDTH];
        row[..LINGUISTIC_START].iter_mut().for_each(|score| *score = rng.gen_range(0.0..1.0));
        let free = match group {
            Some(group) => self.free(group, rng),
            None => std::array::from_fn(|_| rng.gen_range(0.0..1.0)),
        };
        for (column, value) in FREE.iter().zip(free) {
            row[*column] = value.clamp(0.0, 1.0) as f32;
        }
        let (mut project, mut domain, mut complexity) = (0, 0, 2);
        if self.kind == MixtureKind::OneHot {
            let group = group.unwrap_or(0);
            // Three project types and two domains make the six teams.
            (project, domain, complexity) = (group % 3, group / 3, 1 + group % 4);
            if rng.gen_bool(1.0 / 60.0) {
                project = rng.gen_range(0..7);
            }
            if rng.gen_bool(1.0 / 60.0) {
                domain = rng.gen_range(0..7);
            }
        }
        row[PROJECT_TYPE_START + project] = 1.0;
        row[DOMAIN_START + domain] = 1.0;
        row[COMPLEXITY] = 0.25 * complexity as f32;
        row
    }

    /// The free columns of a row of this group.
    fn free(&self, group: usize, rng: &mut Generator) -> [f64; FREE.len()] {
        let centre = self.centres[group];
        let round = |spread: f64, rng: &mut Generator| centre.map(|c| c + spread * normal(rng));
        match self.kind {
            MixtureKind::VaryingDensity => round([0.015, 0.03, 0.045, 0.06][group], rng),
            MixtureKind::OneHot => self.centres[0].map(|c| c + 0.03 * normal(rng)),
            MixtureKind::Anisotropic | MixtureKind::Latent => {
                let (strong, weak) = if self.kind == MixtureKind::Latent { (0.13, 0.03) } else { (0.14, 0.04) };
                let mut row = round(weak, rng);
                let along = if self.kind == MixtureKind::Latent { 2 } else { 1 };
                for factor in &self.factors[group][..along] {
                    let at = strong * normal(rng);
                    row.iter_mut().zip(factor).for_each(|(value, factor)| *value += at * factor);
                }
                row
            }
            MixtureKind::Moons | MixtureKind::Ring => {
                let mut row = self.centres[0].map(|c| c + 0.01 * normal(rng));
                let angle = rng.gen_range(0.0..std::f64::consts::PI);
                let (x, y) = match (self.kind, group) {
                    (MixtureKind::Moons, 0) => (angle.cos(), angle.sin()),
                    (MixtureKind::Moons, _) => (1.0 - angle.cos(), 0.5 - angle.sin()),
                    (_, 0) => ((2.0 * angle).cos() * 1.2, (2.0 * angle).sin() * 1.2),
                    _ => (0.15 * normal(rng), 0.15 * normal(rng)),
                };
                row[0] = 0.5 + 0.22 * (x - 0.5 * f64::from(u8::from(self.kind == MixtureKind::Moons)));
                row[1] = 0.5 + 0.22 * y;
                row[..2].iter_mut().for_each(|v| *v += 0.012 * normal(rng));
                row
            }
            _ => round(0.065, rng),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_keeps_to_the_layout_and_to_its_groups() {
        for kind in MixtureKind::ALL {
            let found = mixture(kind, 3, 2000);
            assert!(found.features.iter().all(|v| (0.0..=1.0).contains(v)), "{}", kind.name());
            for row in found.features.outer_iter() {
                let ones = |range: std::ops::Range<usize>| range.map(|c| row[c]).sum::<f32>();
                assert_eq!((ones(PROJECT_TYPE_START..DOMAIN_START), ones(DOMAIN_START..COMPLEXITY)), (1.0, 1.0));
            }
            for (group, weight) in kind.weights().iter().enumerate() {
                let share = found.labels.iter().filter(|l| **l == group as i32).count() as f64 / 2000.0;
                let expected = weight / kind.weights().iter().sum::<f64>();
                let kept = if kind == MixtureKind::Noisy { 0.8 } else { 1.0 };
                assert!((share - expected * kept).abs() < 0.05, "{} group {group}: {share}", kind.name());
            }
        }
    }

    #[test]
    fn a_longer_mixture_begins_like_a_shorter_one_and_seeds_differ() {
        let (short, long) = (mixture(MixtureKind::Latent, 5, 50), mixture(MixtureKind::Latent, 5, 80));
        assert_eq!(short.features, long.features.slice(ndarray::s![..50, ..]));
        assert_ne!(short, mixture(MixtureKind::Latent, 6, 50));
    }
}
