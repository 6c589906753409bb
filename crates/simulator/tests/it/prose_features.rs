//! What is planted in the text must be visible in its features.

use souffleur_core::features::{FeatureSchema, extract};
use souffleur_simulator::world::FailureMode;
use souffleur_simulator::{Simulation, SimulationSettings};

#[test]
fn long_technical_prompts_without_examples_look_so() {
    let column = |name| FeatureSchema::current().index(name).unwrap();
    let (long, technical, examples) =
        (column("avg_sentence_length"), column("technical_ratio"), column("has_examples"));
    let (mut planted, mut seen, mut mistaken) = (0.0, 0.0, 0.0);
    for simulated in Simulation::new(SimulationSettings::steady(4000, 1)).unwrap() {
        let row = extract(&simulated.session);
        let looks = row[long] > 0.42 && row[technical] > 0.3 && row[examples] == 0.0;
        let is = simulated.truth.mode == Some(FailureMode::LongTechnicalNoExamples);
        planted += f64::from(u8::from(is));
        seen += f64::from(u8::from(is && looks));
        mistaken += f64::from(u8::from(looks && simulated.truth.mode.is_none()));
    }
    assert!(seen > 0.95 * planted, "{seen} of {planted}");
    assert!(mistaken < 0.01 * 4000.0, "{mistaken} mistaken");
}

#[test]
fn the_linguistic_features_vary() {
    let sessions = Simulation::new(SimulationSettings::steady(500, 2)).unwrap();
    let rows: Vec<_> = sessions.map(|s| extract(&s.session)).collect();
    for column in 5..15 {
        let mean = rows.iter().map(|row| row[column]).sum::<f32>() / 500.0;
        let variance = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f32>() / 500.0;
        let name = FeatureSchema::current().columns[column].name;
        assert!(variance.sqrt() > 0.02, "{name} hardly varies: {}", variance.sqrt());
    }
}
