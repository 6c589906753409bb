//! Tests of the whole analysis: arbitrary text, and public corpora where they are present.

use std::{io::Read, path::PathBuf};

use proptest::prelude::*;

use super::*;

/// A file of the shared data, or `None` (said on the console) where it is absent.
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SOUFFLEUR_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let file = root.join("data").join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: {} is absent", file.display());
    None
}

/// The rows of a gzipped file of JSON lines.
fn rows(file: &PathBuf) -> Vec<serde_json::Value> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Ranks, the mean rank for ties.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|&&other| other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|&&other| other == value).count() as f64;
    values.iter().map(|&value| below(value) + (equal(value) + 1.0) / 2.0).collect()
}

fn correlation(xs: &[f64], ys: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mx, my) = (mean(xs), mean(ys));
    let sum = |f: &dyn Fn(f64, f64) -> f64| xs.iter().zip(ys).map(|(&x, &y)| f(x - mx, y - my)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// OneStopEnglish: 94 articles at three reading levels; the reference values are of textstat.
#[test]
fn grades_order_the_reading_levels_as_the_reference_does() {
    let (Some(texts), Some(reference)) =
        (shared("linguistic/onestop_english.jsonl.gz"), shared("reference/linguistic.json"))
    else {
        return;
    };
    let reference: serde_json::Value = serde_json::from_reader(std::fs::File::open(reference).unwrap()).unwrap();
    let reference = &reference["onestop_shared"];
    let mut grades: Vec<(String, u64, f64)> = Vec::new();
    for row in rows(&texts) {
        let grade = analyze(row["text"].as_str().unwrap()).flesch_kincaid_grade;
        grades.push((row["doc"].as_str().unwrap().to_owned(), row["level"].as_u64().unwrap(), grade));
    }
    let levels: Vec<f64> = grades.iter().map(|row| row.1 as f64).collect();
    let values: Vec<f64> = grades.iter().map(|row| row.2).collect();
    let spearman = correlation(&ranks(&levels), &ranks(&values));
    println!("Flesch-Kincaid against level: Spearman {spearman:.3}, textstat {}", reference["spearman_fk_level"]);
    assert!((spearman - reference["spearman_fk_level"].as_f64().unwrap()).abs() < 0.05, "{spearman}");
    let mut offsets = Vec::new();
    for level in 0..3_u64 {
        let of_level: Vec<f64> = grades.iter().filter(|row| row.1 == level).map(|row| row.2).collect();
        let mean = of_level.iter().sum::<f64>() / of_level.len() as f64;
        let expected = reference["mean_fk"][level.to_string()].as_f64().unwrap();
        println!("level {level}: mean grade {mean:.2}, textstat {expected:.2}");
        offsets.push(mean - expected);
    }
    // The reference counts hyphenation points as syllables and misses those of one letter ("a-bout", "ver-y"): about 0.1
    // per word, which is 11.8 * 0.1 grades, the same on every level.
    assert!(offsets.iter().all(|offset| (0.9..1.5).contains(offset)), "{offsets:?}");
    // One name joins two different articles in this copy (a map of the Arctic, and Ramadan in the Arctic): no pair.
    let pairs = grades.iter().filter(|row| row.1 == 2 && row.0 != "wnl arctic ramadan");
    for (doc, _, hard) in pairs {
        let easy = grades.iter().find(|row| row.0 == *doc && row.1 == 0).unwrap().2;
        assert!(*hard > easy, "{doc}: advanced {hard}, elementary {easy}");
    }
}

/// Real prompts: no feature may be flat, or the learners downstream see nothing.
#[test]
fn every_feature_spreads_over_real_prompts() {
    let Some(file) = shared("history/prompt_history.jsonl.gz") else {
        return;
    };
    let mut prompts: Vec<String> = Vec::new();
    let mut text = std::io::BufReader::new(flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap()));
    let mut line = String::new();
    let mut known = std::collections::HashSet::new();
    while std::io::BufRead::read_line(&mut text, &mut line).unwrap() > 0 {
        #[derive(serde::Deserialize)]
        struct Row {
            prompt: String,
        }
        let row: Row = serde_json::from_str(&line).unwrap();
        if known.insert(row.prompt.clone()) {
            prompts.push(row.prompt);
        }
        line.clear();
    }
    let features: Vec<[f32; 10]> = prompts.iter().map(|prompt| linguistic(prompt).to_array()).collect();
    println!("{} prompts: minimum, 5 %, 25 %, 50 %, 75 %, 95 %, maximum, deviation", prompts.len());
    for (index, name) in Linguistic::NAMES.iter().enumerate() {
        let mut values: Vec<f64> = features.iter().map(|row| f64::from(row[index])).collect();
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let quantiles: Vec<String> = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]
            .map(|share| format!("{:.3}", values[(share * (count - 1.0)).round() as usize]))
            .to_vec();
        println!("{name:<22} {} {deviation:.3}", quantiles.join(" "));
        assert!(deviation >= 0.05, "{name}: deviation {deviation}");
    }
}

#[test]
fn an_empty_text_has_no_features() {
    for text in ["", " \n\t", "...", "🙂", "\u{200b}\u{feff}\0"] {
        assert_eq!(linguistic(text), Linguistic::default(), "{text:?}");
    }
}

#[test]
fn a_text_beyond_the_limit_is_read_up_to_a_character_boundary() {
    let text = format!("{}éa", "a ".repeat(MAX_BYTES / 2 - 1) + "a");
    assert!(text.is_char_boundary(MAX_BYTES - 1) && !text.is_char_boundary(MAX_BYTES));
    let analysis = analyze(&text);
    assert_eq!((analysis.bytes as usize, analysis.truncated), (MAX_BYTES - 1, true));
    assert_eq!(analysis, Analysis { truncated: true, ..analyze(&text[..MAX_BYTES - 1]) });
    assert!(!analyze(&text[..MAX_BYTES - 1]).truncated);
}

/// Shapes that make a careless scanner quadratic; each would take minutes then.
#[test]
fn repeated_marks_take_linear_time() {
    for unit in [
        "é. ",
        ". ",
        "é.)",
        ")",
        " ",
        "@",
        "/",
        "a@",
        "\u{200d}",
        "'",
        "a'",
        "1.",
        "A.",
        "`",
        "é\u{301}",
        "ée",
        "\n",
        "_",
    ] {
        for head in ["", "é. "] {
            let features = linguistic(&(head.to_owned() + &unit.repeat(MAX_BYTES)));
            assert!(features.to_array().iter().all(|value| (0.0..=1.0).contains(value)), "{unit:?}");
        }
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let analysis = analyze(text);
    prop_assert_eq!(&analysis, &analyze(text));
    for (name, value) in Linguistic::NAMES.iter().zip(Linguistic::from(&analysis).to_array()) {
        prop_assert!((0.0..=1.0).contains(&value), "{name} is {value} for {text:?}");
    }
    prop_assert!(analysis.words <= analysis.tokens && analysis.types <= analysis.tokens);
    prop_assert!(analysis.sentences <= analysis.tokens && analysis.tokens <= analysis.syllables);
    prop_assert!(analysis.complex_words <= analysis.words);
    prop_assert!(analysis.technical_terms + analysis.code_tokens <= analysis.tokens);
    prop_assert!(analysis.imperatives + analysis.questions <= analysis.sentences);
    prop_assert!(analysis.well_formed_sentences <= analysis.sentences);
    prop_assert!(analysis.flesch_kincaid_grade.is_finite() && analysis.gunning_fog >= 0.0);
    prop_assert!(analysis.flesch_reading_ease <= 121.22 + 1e-9 || analysis.words == 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_string_is_analysed(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn marks_and_scripts_are_analysed(
        text in "[a-zA-Z0-9 .,;:!?'\"()/@`_\\\\$%#*\r\n\t\u{0}\u{200b}\u{200d}\u{2019}\u{301}éßİ日本あкЖ🙂👩‍💻-]{0,200}"
    ) {
        check(&text)?;
    }

    #[test]
    fn prompts_are_analysed(words in proptest::collection::vec(
        prop::sample::select(vec!["write", "Please", "the", "e.g.", "Dr.", "5", "km", "May", "2013.", "API", "for", "example",
            "Input:", "\n", "if", "then,", "snake_case", "http://a.b", "a-b-c", "Marie", "Curie?", "```", "A)", "1."]), 0..60)
    ) {
        check(&words.join(" "))?;
    }
}
