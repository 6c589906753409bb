//! Simulated sessions as the batches a component is handed, without a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArcArray2, Array2};
use souffleur_core::batch::{Applications, DataQuality, Outcomes, Rows, SessionRules, TrainingBatch};
use souffleur_core::features::{FeatureSchema, FeatureVector, WIDTH, extract};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::{Query, View};
use souffleur_core::records::{Session, success_score};

/// A batch with one row a session, all features and the rules applied, in the order given.
#[must_use]
pub fn session_batch<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> TrainingBatch {
    build(sessions, View::Sessions)
}

/// A batch with one row a rule application and the features of its session, in the order given.
#[must_use]
pub fn application_batch<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> TrainingBatch {
    build(sessions, View::Applications)
}

/// A batch of planted rows: their features (rows x 31), how well each went (NaN where nothing is known) and the rules
/// applied in each, as an answer to `query`; in the order of the rows.
#[must_use]
pub fn planted_batch(query: Query, features: Array2<f32>, success: Vec<f32>, rules: SessionRules) -> TrainingBatch {
    let n = features.nrows();
    let seqs: Vec<Seq> = (1..=n as i64).map(Seq).collect();
    let unknown = vec![f32::NAN; n];
    let schema = FeatureSchema::current();
    TrainingBatch {
        query: Query { session_rules: true, ..query },
        version: DataVersion { watermark: Seq(n as i64), schema_hash: schema.hash },
        columns: schema.columns.iter().map(|column| column.name).collect(),
        features: ArcArray2::from(features),
        rows: Rows { seq: seqs.clone(), session: seqs, event_time_us: vec![0; n], synthetic: vec![true; n] },
        outcomes: Outcomes {
            quality_score: success.clone(),
            success_score: success,
            improvement_score: unknown.clone(),
            mean_rating: unknown,
            ratings: vec![0; n],
        },
        applications: None,
        session_rules: Some(rules),
        metrics: Vec::new(),
        documents: Vec::new(),
        products: BTreeMap::new(),
        quality: DataQuality { score: 1.0, synthetic: 1.0, ..DataQuality::default() },
    }
}

/// No rules in any of `n` sessions.
#[must_use]
pub fn no_rules(n: usize) -> SessionRules {
    SessionRules { starts: vec![0; n + 1], ..SessionRules::default() }
}

#[derive(Default)]
struct Table {
    features: Vec<f32>,
    rows: Rows,
    outcomes: Outcomes,
    applications: Applications,
    session_rules: SessionRules,
    rules: BTreeMap<String, u32>,
}

fn build<'a>(sessions: impl IntoIterator<Item = &'a Session>, view: View) -> TrainingBatch {
    let mut table = Table::default();
    // Every record takes one place in the global order, as it would in the store.
    let mut seq = 0;
    for session in sessions {
        let features = extract(session);
        seq += 1;
        let session_seq = Seq(seq);
        if view == View::Sessions {
            table.row(session, &features, session_seq, session_seq, session.improvement_score);
        }
        for rule in &session.rules {
            seq += 1;
            let index = table.rule(&rule.rule_id);
            if view == View::Sessions {
                table.session_rules.rule.push(index);
                table.session_rules.improvement_score.push(number(rule.improvement_score));
                table.session_rules.propensity.push(number(rule.propensity));
            }
            if view == View::Applications {
                table.row(session, &features, Seq(seq), session_seq, rule.improvement_score);
                table.applications.rule.push(index);
                table.applications.confidence.push(number(rule.confidence));
                table.applications.execution_time_ms.push(number(rule.execution_time_ms));
                table.applications.propensity.push(number(rule.propensity));
            }
        }
        table.session_rules.starts.push(table.session_rules.rule.len() as u32);
        seq += session.feedback.len() as i64;
    }
    table.finish(view, Seq(seq))
}

fn number(value: Option<f64>) -> f32 {
    value.map_or(f32::NAN, |v| v as f32)
}

impl Table {
    fn row(
        &mut self,
        session: &Session,
        features: &FeatureVector,
        seq: Seq,
        session_seq: Seq,
        improvement_score: Option<f64>,
    ) {
        self.features.extend_from_slice(features);
        self.rows.seq.push(seq);
        self.rows.session.push(session_seq);
        self.rows.event_time_us.push(session.event_time.unwrap_or_default().0);
        self.rows.synthetic.push(false);
        let ratings = session.feedback.len();
        let sum: f64 = session.feedback.iter().map(|entry| f64::from(entry.rating)).sum();
        let mean_rating = if ratings == 0 { f64::NAN } else { sum / ratings as f64 };
        let quality = session.quality_score.unwrap_or(f64::NAN);
        let success = success_score(mean_rating, quality, session.improvement_score.unwrap_or(f64::NAN));
        self.outcomes.success_score.push(success as f32);
        self.outcomes.quality_score.push(quality as f32);
        self.outcomes.improvement_score.push(number(improvement_score));
        self.outcomes.mean_rating.push(mean_rating as f32);
        self.outcomes.ratings.push(ratings as u32);
    }

    fn rule(&mut self, rule_id: &str) -> u32 {
        if let Some(&index) = self.rules.get(rule_id) {
            return index;
        }
        let index = self.rules.len() as u32;
        self.rules.insert(rule_id.to_owned(), index);
        self.applications.rule_ids.push(Arc::from(rule_id));
        index
    }

    #[expect(clippy::expect_used, reason = "every row appends exactly WIDTH features")]
    fn finish(mut self, view: View, watermark: Seq) -> TrainingBatch {
        self.session_rules.rule_ids.clone_from(&self.applications.rule_ids);
        let of_sessions = view == View::Sessions;
        let n = self.rows.seq.len();
        let features = Array2::from_shape_vec((n, WIDTH), self.features).expect("rows x WIDTH values");
        let schema = FeatureSchema::current();
        TrainingBatch {
            query: Query { view, session_rules: of_sessions, ..Query::default() },
            version: DataVersion { watermark, schema_hash: schema.hash },
            columns: schema.columns.iter().map(|column| column.name).collect(),
            quality: quality(&features, &self.outcomes),
            features: ArcArray2::from(features),
            rows: self.rows,
            outcomes: self.outcomes,
            applications: (!of_sessions).then_some(self.applications),
            session_rules: of_sessions.then_some(self.session_rules),
            metrics: Vec::new(),
            documents: Vec::new(),
            products: BTreeMap::new(),
        }
    }
}

/// What can be said without the loader: unknown outcomes and values out of range. Nothing is made up or stale here.
fn quality(features: &Array2<f32>, outcomes: &Outcomes) -> DataQuality {
    let n = features.nrows().max(1) as f64;
    let missing = outcomes.success_score.iter().filter(|s| s.is_nan()).count() as f64 / n;
    let strange = |row: ndarray::ArrayView1<'_, f32>| !row.iter().all(|v| (0.0..=1.0).contains(v));
    let out_of_range = features.rows().into_iter().filter(|row| strange(row.view())).count() as f64 / n;
    DataQuality { score: 1.0 - (missing + out_of_range) / 2.0, missing, out_of_range, ..DataQuality::default() }
}
