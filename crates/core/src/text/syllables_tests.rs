//! Counts against dictionaries.

use crate::text::{
    lexicon::{LEXICON, hash},
    vocabulary::SYLLABLES,
};

/// As the analysis counts: the exceptions first.
fn syllables(word: &str) -> u32 {
    match LEXICON.get(word, hash(word)).syllables {
        0 => super::count(word),
        count => u32::from(count),
    }
}

/// Counts as in American dictionaries.
const WORDS: &[(u32, &str)] = &[
    (
        1,
        "the make makes walked played eyes blue free through straight strength don't can't we're boss cream used based \
        caused called pulled failed fixed scored curled where here moon rain house's world's world",
    ),
    (
        2,
        "table tables handled settled wanted boxes couldn't it'll boss's player lawyer mayor beyond layout going being seeing \
        buying fluid poet poem quiet lion create reading writing something sometimes therefore framework \
        homework website careful careless statement likely rhythm prism  ocean social special language \
        sequence region question nation patient ancient gorgeous people baseline timestamp purpose \
        answer question context output acre centre unique",
    ),
    (
        3,
        "media radio video idea area medium period various violin completely moreover sarcasm easier \
        earlier carrier audience gradient studying employee employer continue influence \
        another example family government history policy ratio library computer however dangerous \
        creation creative reaction musician religious companion opinion",
    ),
    (
        4,
        "biology experience ingredient material society reality category activity evaluate appreciate interior \
        algorithm information application political environment necessary development \
        philosophy technology intelligent analysis simplicity",
    ),
    (
        5,
        "university simultaneous communication organization characteristic continuity individual theoretical \
        electricity imagination investigation sophisticated",
    ),
];

#[test]
fn counts_agree_with_dictionaries() {
    let wrong: Vec<_> = WORDS
        .iter()
        .flat_map(|(count, words)| words.split_whitespace().map(move |word| (word, *count, syllables(word))))
        .filter(|(_, expected, found)| expected != found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_exception_is_one() {
    let needless: Vec<&str> = SYLLABLES
        .iter()
        .flat_map(|(count, words)| words.split_whitespace().filter(move |word| super::count(word) == u32::from(*count)))
        .collect();
    assert!(needless.is_empty(), "{}", needless.join(" "));
}

#[test]
fn figures_count_one_and_abbreviations_are_spelled() {
    for (word, count) in [("1,000", 1), ("html", 4), ("x86", 1), ("snake_case", 2), ("café", 2), ("日", 1), ("e.g", 2)]
    {
        assert_eq!(syllables(word), count, "{word}");
    }
}
