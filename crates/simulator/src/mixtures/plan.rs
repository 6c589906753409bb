//! How the rows of a mixture are drawn, and how dense each group is anywhere.

use std::f64::consts::PI;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, WIDTH};

use super::{EXAMPLES_SHARE, FREE, HAS_EXAMPLES, LINGUISTIC_START, MixtureKind, STRAY_SHARE};
use crate::draw::Generator;

/// Values of the free columns.
type Place = [f64; FREE.len()];

/// Places along a moon at which its density is added up.
const MOON_STEPS: usize = 64;
/// Size of the moons, and how far rows stray from them.
const MOON_RADIUS: f64 = 0.24;
const MOON_SPREAD: f64 = 0.024;
/// How many spreads the groups of [`MixtureKind::Overlapping`] are apart.
const CHAIN_STEP: f64 = 4.8;
/// How the teams of [`MixtureKind::OneHot`] differ in complexity: in steps of a quarter, the first one.
const LEAST_COMPLEXITY: usize = 1;

/// What is fixed for all rows of a mixture.
pub(super) struct Plan {
    kind: MixtureKind,
    groups: Vec<Group>,
    noise_share: f64,
}

/// A group of rows spread around a place.
struct Group {
    /// Share of the rows that are in some group.
    share: f64,
    centre: Place,
    /// Directions along which it is stretched, at right angles and of length 1.
    factors: Vec<Place>,
    /// Standard deviation along these, and across.
    along: f64,
    across: f64,
}

fn normal(rng: &mut Generator) -> f64 {
    StandardNormal.sample(rng)
}

fn dot(a: &Place, b: &Place) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn between(a: &Place, b: &Place) -> Place {
    std::array::from_fn(|i| a[i] - b[i])
}

/// A direction at right angles to `others`.
fn direction(rng: &mut Generator, others: &[Place]) -> Place {
    let mut drawn: Place = std::array::from_fn(|_| normal(rng));
    for other in others {
        let along = dot(&drawn, other);
        drawn.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
    }
    let length = dot(&drawn, &drawn).sqrt();
    drawn.map(|v| v / length)
}

/// Places in the middle of the range, no two nearer than `apart`.
fn centres(rng: &mut Generator, count: usize, apart: f64) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    while found.len() < count {
        let centre: Place = std::array::from_fn(|_| rng.gen_range(0.2..0.8));
        let far = |other: &Place| {
            let way = between(&centre, other);
            dot(&way, &way).sqrt() > apart
        };
        if found.iter().all(far) {
            found.push(centre);
        }
    }
    found
}

impl Plan {
    pub(super) fn draw(kind: MixtureKind, rng: &mut Generator) -> Self {
        let weights = kind.weights();
        // Least distance of two centres, the spread along the group's factors and across them, and how many factors.
        let (apart, along, across, factors) = match kind {
            MixtureKind::Anisotropic => (0.5, 0.15, 0.05, 1),
            MixtureKind::Latent => (0.5, 0.13, 0.045, 2),
            MixtureKind::Moons | MixtureKind::OneHot => (0.0, 0.0, 0.03, 0),
            MixtureKind::Overlapping => (0.0, 0.0, 0.05, 0),
            MixtureKind::ManySmall => (0.45, 0.0, 0.065, 0),
            MixtureKind::Noisy => (0.5, 0.0, 0.07, 0),
            _ => (0.45, 0.0, 0.075, 0),
        };
        let mut centres = centres(rng, weights.len(), apart);
        match kind {
            MixtureKind::Moons | MixtureKind::OneHot => centres = vec![centres[0]; weights.len()],
            MixtureKind::Overlapping => {
                // Each stands a few spreads beside the one before, the whole chain in the middle of the range.
                centres[0] = [0.5; FREE.len()];
                let mut ways: Vec<Place> = Vec::new();
                for next in 1..centres.len() {
                    // At right angles, so that the chain does not come back to where it was.
                    let way = direction(rng, &ways);
                    ways.push(way);
                    centres[next] = std::array::from_fn(|i| centres[next - 1][i] + CHAIN_STEP * across * way[i]);
                }
            }
            _ => {}
        }
        let total: f64 = weights.iter().sum();
        let groups = centres.into_iter().zip(weights).enumerate().map(|(number, (centre, weight))| {
            let mut ways: Vec<Place> = Vec::new();
            (0..factors).for_each(|_| ways.push(direction(rng, &ways)));
            let across = if kind == MixtureKind::VaryingDensity { 0.025 * (1.0 + number as f64) } else { across };
            Group { share: weight / total, centre, factors: ways, along, across }
        });
        let groups = groups.collect();
        Self { kind, groups, noise_share: kind.noise_share() }
    }

    /// A row of this group, or of none.
    pub(super) fn row(&self, group: Option<usize>, rng: &mut Generator) -> [f32; WIDTH] {
        let mut row = [0.0f32; WIDTH];
        row[..LINGUISTIC_START].iter_mut().for_each(|score| *score = rng.gen_range(0.0..1.0));
        row[HAS_EXAMPLES] = f32::from(u8::from(rng.gen_bool(EXAMPLES_SHARE)));
        let free = match group {
            Some(group) => self.place(group, rng),
            None => std::array::from_fn(|_| rng.gen_range(0.0..1.0)),
        };
        for (column, value) in FREE.iter().zip(free) {
            row[*column] = value.clamp(0.0, 1.0) as f32;
        }
        let (mut project, mut domain, complexity) = self.team(group.unwrap_or(0));
        if self.kind == MixtureKind::OneHot {
            if rng.gen_bool(STRAY_SHARE) {
                project = rng.gen_range(0..7);
            }
            if rng.gen_bool(STRAY_SHARE) {
                domain = rng.gen_range(0..7);
            }
        }
        row[PROJECT_TYPE_START + project] = 1.0;
        row[DOMAIN_START + domain] = 1.0;
        row[COMPLEXITY] = 0.25 * complexity as f32;
        row
    }

    /// Project type, domain and complexity of a group: three project types and two domains make six teams.
    fn team(&self, group: usize) -> (usize, usize, usize) {
        match self.kind {
            MixtureKind::OneHot => (group % 3, group / 3, LEAST_COMPLEXITY + group % 4),
            _ => (0, 0, 2),
        }
    }

    /// Where in the free columns a row of this group lies.
    fn place(&self, number: usize, rng: &mut Generator) -> Place {
        let group = &self.groups[number];
        let mut place = group.centre.map(|c| c + group.across * normal(rng));
        for factor in &group.factors {
            let at = group.along * normal(rng);
            place.iter_mut().zip(factor).for_each(|(value, factor)| *value += at * factor);
        }
        if self.kind == MixtureKind::Moons {
            let on = moon(number, rng.gen_range(0.0..PI));
            place[..2].iter_mut().zip(on).for_each(|(v, on)| *v = on + MOON_SPREAD * normal(rng));
        }
        place
    }

    /// The group of the highest density where a row lies, shares and noise taken into account.
    pub(super) fn likeliest(&self, row: &[f32; WIDTH]) -> Option<usize> {
        let mut best = (None, if self.noise_share > 0.0 { self.noise_share.ln() } else { f64::NEG_INFINITY });
        for number in 0..self.groups.len() {
            let density = self.log_density(number, row) + ((1.0 - self.noise_share) * self.groups[number].share).ln();
            if density > best.1 {
                best = (Some(number), density);
            }
        }
        best.0
    }

    fn log_density(&self, number: usize, row: &[f32; WIDTH]) -> f64 {
        let group = &self.groups[number];
        let place: Place = FREE.map(|column| f64::from(row[column]));
        let way = between(&place, &group.centre);
        let along: f64 = group.factors.iter().map(|factor| dot(&way, factor).powi(2)).sum();
        let (wide, narrow) = (group.along * group.along + group.across * group.across, group.across * group.across);
        let stretched = group.factors.len() as f64;
        let dimensions = FREE.len() as f64;
        let spread = along / wide + (dot(&way, &way) - along) / narrow;
        let volume = stretched * wide.ln() + (dimensions - stretched) * narrow.ln() + dimensions * (2.0 * PI).ln();
        -0.5 * (spread + volume) + self.log_odds_of_shape(number, row, &place)
    }

    /// What a moon or a team adds to the density, up to what is the same for all groups.
    fn log_odds_of_shape(&self, number: usize, row: &[f32; WIDTH], place: &Place) -> f64 {
        match self.kind {
            MixtureKind::Moons => {
                let near = |step: usize| {
                    let on = moon(number, PI * (step as f64 + 0.5) / MOON_STEPS as f64);
                    let apart = (place[0] - on[0]).powi(2) + (place[1] - on[1]).powi(2);
                    (-apart / (2.0 * MOON_SPREAD * MOON_SPREAD)).exp()
                };
                (0..MOON_STEPS).map(near).sum::<f64>().max(f64::MIN_POSITIVE).ln()
            }
            MixtureKind::OneHot => {
                let (project, domain, complexity) = self.team(number);
                let category = |own: usize, start: usize| {
                    let kept = if row[start + own] == 1.0 { 1.0 - STRAY_SHARE } else { 0.0 };
                    (kept + STRAY_SHARE / 7.0).ln()
                };
                let other = (row[COMPLEXITY] - 0.25 * complexity as f32).abs() > 0.1;
                let complexity = if other { f64::NEG_INFINITY } else { 0.0 };
                category(project, PROJECT_TYPE_START) + category(domain, DOMAIN_START) + complexity
            }
            _ => 0.0,
        }
    }
}

/// A point of a moon in the first two free columns.
fn moon(number: usize, angle: f64) -> [f64; 2] {
    let (x, y) = if number == 0 { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) };
    [0.5 + MOON_RADIUS * (x - 0.5), 0.5 + MOON_RADIUS * (y - 0.25)]
}
