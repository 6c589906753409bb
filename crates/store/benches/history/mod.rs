//! A prompt history of realistic sizes: texts of 500 to 1000 characters, one or two rules, feedback on most.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, RuleApplication, Session};
use souffleur_core::store::{Append, FeaturedSession, Record};
use souffleur_core::time::Timestamp;

/// A moment to call now.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

const WORDS: [&str; 24] = [
    "write",
    "a",
    "function",
    "that",
    "validates",
    "customer",
    "orders",
    "against",
    "the",
    "current",
    "schema",
    "and",
    "returns",
    "clear",
    "errors",
    "for",
    "every",
    "missing",
    "field",
    "including",
    "nested",
    "items",
    "with",
    "examples",
];

fn text(random: &mut Xoshiro256PlusPlus, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(WORDS[random.gen_range(0..WORDS.len())]);
        text.push_str(if random.gen_ratio(1, 12) { ". " } else { " " });
    }
    text
}

/// The sessions numbered from `from` on; the same numbers give the same sessions.
pub(crate) fn sessions(from: usize, count: usize) -> Vec<Append> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(from as u64);
    (from..from + count).map(|number| session(&mut random, number)).collect()
}

fn session(random: &mut Xoshiro256PlusPlus, number: usize) -> Append {
    let score = |random: &mut Xoshiro256PlusPlus| Some(f64::from(random.gen_range(0..10_000)) / 10_000.0);
    let original = random.gen_range(200..400);
    let improved = random.gen_range(300..600);
    let application = |random: &mut Xoshiro256PlusPlus| RuleApplication {
        rule_id: format!("rule_{:02}", random.gen_range(0..24)),
        parameters: None,
        improvement_score: score(random),
        confidence: score(random),
        execution_time_ms: Some(f64::from(random.gen_range(5..400))),
        propensity: score(random),
        event_time: None,
    };
    let session = Session {
        session_id: Some(uuid::Builder::from_random_bytes(random.r#gen()).into_uuid().to_string()),
        original_prompt: text(random, original),
        improved_prompt: Some(text(random, improved)),
        event_time: Some(Timestamp(NOW.0 + 1_000_000 * number as i64)),
        project_type: Some("web".into()),
        domain: Some("finance".into()),
        complexity: Some(Complexity::Medium),
        team_size: Some(random.gen_range(1..20)),
        before_metrics: Some(BeforeMetrics { overall_score: score(random), ..BeforeMetrics::default() }),
        rules: (0..1 + number % 2).map(|_| application(random)).collect(),
        quality_score: score(random),
        improvement_score: score(random),
        feedback: (0..usize::from(!number.is_multiple_of(5)))
            .map(|_| FeedbackEntry { rating: random.gen_range(1..=5), ..FeedbackEntry::default() })
            .collect(),
        ..Session::default()
    };
    let features = std::array::from_fn(|_| random.gen_range(0.0..1.0));
    Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
}
