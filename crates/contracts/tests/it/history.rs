//! A history to plant something in.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_contracts::{Checker, ContractSettings, Report};
use souffleur_core::clock::ManualClock;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::store::{Delta, FieldCoverage, ForeignRow, Inventory, Survey, TableInventory};
use souffleur_core::time::Timestamp;

/// When the history is looked at.
pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000_000);

/// One session.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) features: [f32; WIDTH],
    pub(crate) quality: f32,
    pub(crate) improvement: f32,
    pub(crate) synthetic: bool,
    pub(crate) event: Timestamp,
    pub(crate) propensity: f32,
    pub(crate) rating: Option<u8>,
}

/// Sessions whose outcome leans on one feature, the newest an hour old.
pub(crate) fn history(sessions: usize, seed: u64) -> Vec<Row> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let hour = |back: usize| Timestamp(NOW.0 - (back as i64 + 1) * Timestamp::HOUR_US);
    let row = |i: usize| {
        let mut features = [0.0; WIDTH];
        features[..15].iter_mut().for_each(|feature| *feature = random.gen_range(0.0..1.0));
        features[15 + random.gen_range(0..7)] = 1.0;
        features[22 + random.gen_range(0..7)] = 1.0;
        features[29] = [0.25, 0.5, 0.75, 1.0][random.gen_range(0..4)];
        features[30] = random.gen_range(0..=20) as f32 / 20.0;
        let quality = (0.3 * features[1] + random.gen_range(0.0..0.7)).clamp(0.0, 1.0);
        let rating = random.gen_bool(0.3).then(|| 1 + (quality * 4.9) as u8);
        let propensity = random.gen_range(0.1..1.0);
        let improvement = random.gen_range(-1.0..1.0);
        Row { features, quality, improvement, synthetic: false, event: hour(sessions - i), propensity, rating }
    };
    (0..sessions).map(row).collect()
}

/// Hands the rows over in stretches of `stretch` sessions.
pub(crate) fn check_in(
    rows: &[Row],
    foreign: &[ForeignRow],
    settings: ContractSettings,
    stretch: usize,
    job: &Job,
) -> Result<Report, Interrupted> {
    let real = rows.iter().filter(|row| !row.synthetic).count() as u64;
    let mut checker = Checker::new(settings, real, NOW, job).unwrap();
    let mut seq = 0;
    for (n, stretch) in rows.chunks(stretch).enumerate() {
        let mut survey = Survey { delta: Delta::default(), foreign: Vec::new() };
        for row in stretch {
            seq += 3;
            let delta = &mut survey.delta;
            let sessions = &mut delta.sessions;
            sessions.seq.push(seq - 2);
            sessions.event_time_us.push(row.event.0);
            sessions.known_time_us.push(row.event.0.min(NOW.0));
            sessions.quality_score.push(row.quality);
            sessions.improvement_score.push(row.improvement);
            sessions.synthetic.push(row.synthetic);
            sessions.features.extend(row.features);
            let applications = &mut delta.applications;
            applications.seq.push(seq - 1);
            applications.session_seq.push(seq - 2);
            applications.rule_seq.push(1);
            applications.event_time_us.push(row.event.0);
            applications.known_time_us.push(row.event.0);
            applications.improvement_score.push(row.improvement);
            applications.confidence.push(0.5);
            applications.execution_time_ms.push(3.0);
            applications.propensity.push(row.propensity);
            if let Some(rating) = row.rating {
                delta.feedback.seq.push(seq);
                delta.feedback.session_seq.push(seq - 2);
                delta.feedback.event_time_us.push(row.event.0);
                delta.feedback.known_time_us.push(row.event.0);
                delta.feedback.rating.push(rating);
            }
        }
        survey.delta.watermark = Seq(seq);
        if n == 0 {
            survey.foreign.extend_from_slice(foreign);
        }
        checker.take(&survey)?;
    }
    let coverage = vec![FieldCoverage::new("domain", 1, 2), FieldCoverage::new("team_size", 0, 2)];
    let table = TableInventory { name: "prompt_sessions".into(), rows: real, coverage, ..TableInventory::default() };
    checker.finish(&Inventory { tables: vec![table], ..Inventory::default() })
}

pub(crate) fn job() -> Job {
    Job::new(Arc::new(ManualClock::default()), 7)
}

/// The report on a history under the usual limits.
pub(crate) fn check(rows: &[Row]) -> Report {
    check_in(rows, &[], ContractSettings::default(), 500, &job()).unwrap()
}
