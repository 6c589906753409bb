//! One pass over the history, and the report.

use std::collections::{BTreeMap, HashMap};

use souffleur_core::error::Invalid;
use souffleur_core::features::{FeatureSchema, WIDTH};
use souffleur_core::ids::Seq;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::records::success_score;
use souffleur_core::store::{ForeignRow, Inventory, Survey};
use souffleur_core::time::Timestamp;

use crate::dependence::{self, Judged};
use crate::drift::{self, Compared};
use crate::finding::{Check, Finding, Report, Severity, Standing, Verdict};
use crate::ranges::Ranges;
use crate::repeats::{self, Repeats};
use crate::sample::Reservoir;
use crate::settings::ContractSettings;

/// Rows between two looks at whether to stop.
const ROWS_UNWATCHED: usize = 4096;
/// Sessions kept to look for repetitions, per row of a sample.
const REPEATS_PER_SAMPLE_ROW: usize = 10;
/// Share of sessions of unknown outcome from which on it is told, is a warning, is an error.
const OUTCOME_UNKNOWN: [f64; 3] = [0.2, 0.5, 0.95];

/// A session drawn to be judged by its outcome.
struct Drawn {
    seq: i64,
    features: [f32; WIDTH],
    quality: f32,
    improvement: f32,
    rating_sum: u32,
    ratings: u32,
}

impl Drawn {
    fn success(&self) -> f64 {
        let rating = if self.ratings == 0 { f64::NAN } else { f64::from(self.rating_sum) / f64::from(self.ratings) };
        success_score(rating, self.quality.into(), self.improvement.into())
    }
}

/// Sessions under another schema.
struct Foreign {
    rows: u64,
    first: i64,
    feature_bytes: usize,
}

/// Looks at a history, once, stretch by stretch.
pub struct Checker<'j> {
    settings: ContractSettings,
    job: &'j Job,
    now: Timestamp,
    /// Real sessions up to here are the reference.
    reference_sessions: u64,
    reference: Reservoir<Compared>,
    recent: Reservoir<Compared>,
    drawn: Reservoir<Drawn>,
    places: HashMap<i64, usize>,
    repeats: Repeats,
    ranges: Ranges,
    foreign: BTreeMap<u64, Foreign>,
    newest_us: Option<i64>,
    propensities: u64,
    report: Report,
}

impl<'j> Checker<'j> {
    /// A checker of a history of `sessions` real sessions, seen from `now`.
    ///
    /// # Errors
    /// A limit is out of range.
    pub fn new(settings: ContractSettings, sessions: u64, now: Timestamp, job: &'j Job) -> Result<Self, Invalid> {
        let settings = settings.check()?;
        let sample = settings.sample_rows;
        Ok(Self {
            settings,
            job,
            now,
            reference_sessions: (sessions as f64 * (1.0 - settings.recent_share)) as u64,
            reference: Reservoir::new(sample, job.rng("reference")),
            recent: Reservoir::new(sample, job.rng("recent")),
            drawn: Reservoir::new(sample, job.rng("drawn")),
            places: HashMap::new(),
            repeats: Repeats::new(sample.saturating_mul(REPEATS_PER_SAMPLE_ROW)),
            ranges: Ranges::default(),
            foreign: BTreeMap::new(),
            newest_us: None,
            propensities: 0,
            report: Report {
                at: now,
                watermark: Seq::ZERO,
                sessions: 0,
                synthetic: 0,
                applications: 0,
                feedback: 0,
                worst: None,
                findings: Vec::new(),
                checks: Vec::new(),
            },
        })
    }

    /// Looks at the next stretch of the global order.
    ///
    /// # Errors
    /// [`Interrupted`] when the job is to stop.
    pub fn take(&mut self, survey: &Survey) -> Result<(), Interrupted> {
        let delta = &survey.delta;
        for (i, features) in delta.sessions.features.chunks_exact(WIDTH).enumerate().take(delta.sessions.seq.len()) {
            if i.is_multiple_of(ROWS_UNWATCHED) {
                self.job.check()?;
            }
            self.ranges.session(&delta.sessions, i, features, self.now);
            if delta.sessions.synthetic[i] {
                self.report.synthetic += 1;
                continue;
            }
            let event_us = delta.sessions.event_time_us[i];
            self.newest_us = Some(self.newest_us.map_or(event_us, |newest| newest.max(event_us)));
            let (quality, improvement) = (delta.sessions.quality_score[i], delta.sessions.improvement_score[i]);
            self.session(delta.sessions.seq[i], features, quality, improvement);
        }
        for row in &survey.foreign {
            self.foreign(*row);
        }
        self.job.check()?;
        self.ranges.applications(&delta.applications);
        self.propensities += delta.applications.propensity.iter().filter(|value| !value.is_nan()).count() as u64;
        self.report.applications += delta.applications.seq.len() as u64;
        self.ranges.feedback(&delta.feedback);
        for (&session, &rating) in delta.feedback.session_seq.iter().zip(&delta.feedback.rating) {
            self.rating(session, rating);
        }
        self.report.feedback += delta.feedback.seq.len() as u64;
        self.report.watermark = delta.watermark;
        self.job.check()
    }

    fn session(&mut self, seq: i64, features: &[f32], quality: f32, improvement: f32) {
        let compared = || features.iter().copied().chain([quality, improvement]).collect();
        let is_reference = self.report.sessions < self.reference_sessions;
        self.report.sessions += 1;
        let side = if is_reference { &mut self.reference } else { &mut self.recent };
        side.offer(compared);
        let mut row = [0.0; WIDTH];
        row.copy_from_slice(features);
        self.draw(seq, row, quality, improvement);
        self.repeats.session(seq, features, quality, improvement);
    }

    fn draw(&mut self, seq: i64, features: [f32; WIDTH], quality: f32, improvement: f32) {
        let drawn = Drawn { seq, features, quality, improvement, rating_sum: 0, ratings: 0 };
        if let Some((place, replaced)) = self.drawn.offer(|| drawn) {
            if let Some(replaced) = replaced {
                self.places.remove(&replaced.seq);
            }
            self.places.insert(seq, place);
        }
    }

    fn rating(&mut self, session: i64, rating: u8) {
        self.repeats.rating(session, rating);
        if let Some(drawn) = self.places.get(&session).and_then(|place| self.drawn.rows.get_mut(*place)) {
            drawn.rating_sum = drawn.rating_sum.saturating_add(rating.into());
            drawn.ratings = drawn.ratings.saturating_add(1);
        }
    }

    fn foreign(&mut self, row: ForeignRow) {
        let first = Foreign { rows: 0, first: row.seq, feature_bytes: row.feature_bytes };
        self.foreign.entry(row.schema_hash).or_insert(first).rows += 1;
    }

    /// Says what was found. `inventory` tells how far fields are known; without its tables nothing is said of that.
    ///
    /// # Errors
    /// [`Interrupted`] when the job is to stop.
    pub fn finish(mut self, inventory: &Inventory) -> Result<Report, Interrupted> {
        self.schema();
        let ranges = self.ranges.findings();
        self.stand(
            Check::Range,
            format!("every value of {} sessions", self.report.sessions + self.report.synthetic),
            ranges,
        );
        self.missing(inventory);
        self.drift()?;
        self.repetitions();
        self.staleness();
        self.leakage()?;
        self.report.findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.check.cmp(&b.check)));
        self.report.worst = self.report.findings.first().map(|finding| finding.severity);
        self.report.checks.sort_by_key(|standing| standing.check);
        Ok(self.report)
    }

    /// Notes how a check ended.
    fn stand(&mut self, check: Check, basis: impl Into<String>, findings: impl IntoIterator<Item = Finding>) {
        let before = self.report.findings.len();
        self.report.findings.extend(findings);
        let verdict = if self.report.findings.len() > before { Verdict::Found } else { Verdict::Passed };
        self.report.checks.push(Standing { check, verdict, basis: basis.into() });
    }

    fn not_judged(&mut self, check: Check, why: impl Into<String>) {
        self.report.checks.push(Standing { check, verdict: Verdict::NotJudged, basis: why.into() });
    }

    fn schema(&mut self) {
        let current = FeatureSchema::current().hash;
        let findings: Vec<Finding> = self
            .foreign
            .iter()
            .map(|(hash, Foreign { rows, first, feature_bytes })| {
                let problem = format!(
                    "{rows} sessions have features of schema {hash:016x} ({feature_bytes} bytes): no batch can be made \
                     while they are there"
                );
                let expected = format!("schema {current:016x}: use the version that wrote them, or record them again");
                Finding::new(Check::Schema, Severity::Error, "session_features.schema_hash", problem, expected)
                    .figure("rows", *rows as f64)
                    .first_at(*first)
            })
            .collect();
        self.stand(
            Check::Schema,
            format!("the schema of every session; this version computes {current:016x}"),
            findings,
        );
    }

    fn missing(&mut self, inventory: &Inventory) {
        let mut findings = Vec::new();
        let drawn = self.drawn.rows.len();
        let unknown = self.drawn.rows.iter().filter(|row| row.success().is_nan()).count();
        let share = if drawn == 0 { 0.0 } else { unknown as f64 / drawn as f64 };
        if drawn > 0 && share >= OUTCOME_UNKNOWN[0] {
            let severity = match share {
                share if share >= OUTCOME_UNKNOWN[2] => Severity::Error,
                share if share >= OUTCOME_UNKNOWN[1] => Severity::Warning,
                _ => Severity::Info,
            };
            let problem =
                format!("the outcome of {:.1} % of sessions is unknown (of {drawn} looked at)", 100.0 * share);
            let expected =
                "a `quality_score`, an `improvement_score` or feedback for each session something is to be learnt from";
            let finding = Finding::new(Check::Missing, severity, "prompt_sessions.outcome", problem, expected);
            findings.push(finding.figure("share", share));
        }
        if self.report.applications > 0 && self.propensities == 0 {
            let problem =
                format!("none of {} rule applications says how likely its rule was chosen", self.report.applications);
            let expected =
                "the `propensity` of every choice: without it the effect of a rule cannot be told from what led to it";
            findings.push(Finding::new(
                Check::Missing,
                Severity::Info,
                "rule_applications.propensity",
                problem,
                expected,
            ));
        }
        for table in inventory.tables.iter().filter(|table| table.rows > 0 && table.name == "prompt_sessions") {
            let never =
                table.coverage.iter().filter(|f| f.known == 0 && !f.column.ends_with("_score") && f.column != "tags");
            for field in never {
                let problem = format!("it is not known in any of {} sessions", table.rows);
                let expected = "known where it can be: components that look at it learn nothing from it".to_owned();
                let at = format!("{}.{}", table.name, field.column);
                findings.push(Finding::new(Check::Missing, Severity::Info, at, problem, expected));
            }
        }
        self.stand(Check::Missing, format!("the outcome of {drawn} sessions, the fields of all"), findings);
    }

    fn drift(&mut self) -> Result<(), Interrupted> {
        let (before, after) = (self.reference.rows.len(), self.recent.rows.len());
        let least = self.settings.rows_min;
        if before.min(after) < least {
            let why = format!("{before} earlier and {after} newest sessions: at least {least} of each are needed");
            self.not_judged(Check::Drift, why);
            return Ok(());
        }
        let features = FeatureSchema::current().columns.iter().map(|column| column.name);
        let names: Vec<String> = features
            .chain(["quality_score", "improvement_score"])
            .map(|name| format!("session_features.{name}"))
            .collect();
        let (findings, compared) = drift::findings(&self.reference, &self.recent, &names, &self.settings, self.job)?;
        let basis = format!(
            "{compared} columns of {after} sessions of the newest {}, against {before} of {} earlier ones",
            self.recent.offered(),
            self.reference.offered()
        );
        self.stand(Check::Drift, basis, findings);
        Ok(())
    }

    fn repetitions(&mut self) {
        let found = self.repeats.count();
        let basis = format!("{} sessions, groups of equal ones as a whole", found.looked_at);
        self.stand(Check::Duplicates, basis, repeats::duplicates(&found, &self.settings));
        let in_groups = found.in_groups;
        if repeats::noise_is_judged(&found) {
            let basis = format!("{in_groups} sessions of known outcome that share their features with another");
            self.stand(Check::LabelNoise, basis, repeats::label_noise(&found, &self.settings));
        } else {
            self.not_judged(Check::LabelNoise, format!("only {in_groups} sessions share their features with another"));
        }
    }

    fn staleness(&mut self) {
        let Some(newest) = self.newest_us else {
            self.not_judged(Check::Staleness, "there are no sessions");
            return;
        };
        let hours = self.now.0.saturating_sub(newest) as f64 / Timestamp::HOUR_US as f64;
        let limit = f64::from(self.settings.stale_after_hours);
        let problem = format!("the newest session happened {:.0} days ago", hours / 24.0);
        let expected = format!("one in the last {:.0} days: what is learnt is of the past", limit / 24.0);
        let finding =
            Finding::new(Check::Staleness, Severity::Warning, "prompt_sessions.event_time", problem, expected)
                .figure("hours", hours)
                .figure("limit_hours", limit);
        let basis = format!("the newest session, of {}", Timestamp(newest));
        self.stand(Check::Staleness, basis, (hours > limit).then_some(finding));
    }

    fn leakage(&mut self) -> Result<(), Interrupted> {
        let judged: Vec<Judged> = self
            .drawn
            .rows
            .iter()
            .map(|row| Judged { features: row.features.to_vec(), success: row.success() })
            .filter(|row| !row.success.is_nan())
            .collect();
        if !dependence::is_judged(&judged) {
            self.not_judged(Check::Leakage, format!("too few failures or successes among {} sessions", judged.len()));
            return Ok(());
        }
        let findings = dependence::findings(&judged, &self.settings, self.job)?;
        self.stand(Check::Leakage, format!("{WIDTH} columns of {} sessions of known outcome", judged.len()), findings);
        Ok(())
    }
}
