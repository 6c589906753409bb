//! Traits in words a person would use.

use souffleur_core::features::{COLUMNS, COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE};

use super::contrast::{Trait, column, is_category};

/// A member of a category is named without its share where this much of the group has it.
const NEARLY_ALL: f64 = 0.9;
/// What the columns before the categories are called where a group has more of them, and less.
const WORDS: [(&str, &str); PROJECT_TYPE_START] = [
    ("high overall score", "low overall score"),
    ("clear", "unclear"),
    ("complete", "incomplete"),
    ("actionable", "hardly actionable"),
    ("effective", "ineffective"),
    ("easy to read", "hard to read"),
    ("varied words", "few different words"),
    ("many names", "few names"),
    ("complex sentences", "plain sentences"),
    ("varied sentences", "uniform sentences"),
    ("technical", "hardly technical"),
    ("long sentences", "short sentences"),
    ("clear instructions", "vague instructions"),
    ("with examples", "without examples"),
    ("well written", "poorly written"),
];
/// Columns told as shares and in people and words, and what their whole range is.
const HAS_EXAMPLES: usize = 13;
const AVG_SENTENCE_LENGTH: usize = 11;
const WORDS_MAX: f64 = 50.0;
const PEOPLE_MAX: f64 = 20.0;

/// What a column is called where its values are high, or low; the member itself for a category.
pub(crate) fn level(column: usize, high: bool) -> String {
    match column {
        TEAM_SIZE => if high { "large teams" } else { "small teams" }.to_owned(),
        COMPLEXITY => if high { "high complexity" } else { "low complexity" }.to_owned(),
        _ if is_category(column) => COLUMNS[column].name.replace('_', " "),
        _ => WORDS.get(column).map_or(COLUMNS[column].name, |(more, less)| if high { more } else { less }).to_owned(),
    }
}

/// The strongest traits; at most `most` of them, where a project type and a domain count as one.
pub(super) fn sentence(traits: &[Trait], most: usize) -> String {
    let of_category = |start: usize, end: usize| {
        let of = || traits.iter().filter(|t| column(t).is_some_and(|c| (start..end).contains(&c)));
        // Where most of a group is one member of a category, that it is not another one says nothing new.
        of().find(|t| t.effect > 0.0).or(of().next()).map(member)
    };
    let project = of_category(PROJECT_TYPE_START, DOMAIN_START);
    let domain = of_category(DOMAIN_START, COMPLEXITY);
    let who: Vec<String> = project.into_iter().chain(domain).collect();
    let mut words: Vec<String> = if who.is_empty() { Vec::new() } else { vec![who.join(" / ")] };
    let numbers = traits.iter().filter_map(|t| column(t).filter(|c| !is_category(*c)).map(|c| number(t, c)));
    words.extend(numbers);
    words.truncate(most);
    if words.is_empty() { "like all others".to_owned() } else { words.join(", ") }
}

fn member(t: &Trait) -> String {
    let name = t.feature.strip_prefix("project_type_").or(t.feature.strip_prefix("domain_")).unwrap_or(&t.feature);
    // `other` alone would say neither project type nor domain.
    let name = if name == "other" { t.feature.replace('_', " ") } else { name.to_owned() };
    let name = if t.effect < 0.0 { format!("seldom {name}") } else { name };
    if t.inside >= NEARLY_ALL {
        name
    } else {
        format!("{name} ({:.0} % against {:.0} %)", 100.0 * t.inside, 100.0 * t.outside)
    }
}

fn number(t: &Trait, column: usize) -> String {
    let more = t.effect > 0.0;
    match column {
        TEAM_SIZE => {
            let (size, people) = (if more { "large" } else { "small" }, |v: f64| (PEOPLE_MAX * v).round());
            format!("{size} teams (about {} people against {})", people(t.inside), people(t.outside))
        }
        COMPLEXITY => {
            let level = if more { "high" } else { "low" };
            format!("{level} complexity ({:.2} against {:.2})", t.inside, t.outside)
        }
        AVG_SENTENCE_LENGTH => {
            let (length, words) = (if more { "long" } else { "short" }, |v: f64| (WORDS_MAX * v).round());
            format!("{length} sentences (about {} words against {})", words(t.inside), words(t.outside))
        }
        HAS_EXAMPLES => {
            let (with, without) = WORDS[column];
            let shows = if more { with } else { without };
            format!("{shows} ({:.0} % against {:.0} %)", 100.0 * t.inside, 100.0 * t.outside)
        }
        _ => {
            let (high, low) = WORDS.get(column).copied().unwrap_or(("more", "less"));
            format!("{} ({:.2} against {:.2})", if more { high } else { low }, t.inside, t.outside)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(feature: &str, inside: f64, outside: f64, effect: f64) -> Trait {
        Trait { feature: feature.to_owned(), inside, outside, effect }
    }

    #[test]
    fn a_team_is_told_as_a_person_would() {
        let traits = [
            told("domain_ecommerce", 0.97, 0.01, 2.6),
            told("project_type_web", 1.0, 0.01, 2.9),
            told("domain_finance", 0.0, 0.2, -0.9),
            told("team_size", 0.175, 0.5, -1.2),
            told("avg_sentence_length", 0.2, 0.5, -0.8),
            told("has_examples", 0.8, 0.3, 1.0),
        ];
        let expected =
            "web / ecommerce, small teams (about 4 people against 10), short sentences (about 10 words against 25)";
        assert_eq!(sentence(&traits, 3), expected);
        assert_eq!(sentence(&traits[5..], 3), "with examples (80 % against 30 %)");
        assert_eq!(sentence(&[told("domain_other", 0.5, 0.1, 0.9)], 3), "domain other (50 % against 10 %)");
        assert_eq!(sentence(&traits[2..3], 3), "seldom finance (0 % against 20 %)");
        assert_eq!(sentence(&[], 3), "like all others");
    }
}
