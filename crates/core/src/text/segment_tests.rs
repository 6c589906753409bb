//! The fast paths against the general rules.

use proptest::prelude::*;

use super::*;

fn words(line: &str) -> Vec<&str> {
    let mut shadow = Shadow::default();
    Words::new(line, Form::of(line, &mut shadow)).map(|(start, end)| &line[start..end]).collect()
}

fn ends(line: &str) -> Vec<usize> {
    let mut shadow = Shadow::default();
    Sentences::new(line, Form::of(line, &mut shadow)).collect()
}

#[test]
fn words_keep_contractions_numbers_and_identifiers_whole() {
    let text = "Don't call parse_tree at 1,000.5 e.g. now_";
    assert_eq!(words(text), ["Don't", "call", "parse_tree", "at", "1,000.5", "e.g", "now_"]);
    assert_eq!(words("Don’t “été”"), ["Don’t", "été"]);
}

#[test]
fn sentences_end_behind_their_closing_marks_and_spaces() {
    assert_eq!(ends("Is it 3.5? (Yes.) Then stop"), [11, 18, 27]);
    assert_eq!(ends("etc. and so on. Done"), [16, 20]);
    assert_eq!(ends("“Été.” Non"), [13, 16]);
}

#[test]
fn a_long_run_without_letters_ends_a_piece() {
    let line = format!("あ{}b", "-".repeat(MAX_RUN + 1));
    assert_eq!(ends(&line), [3 + MAX_RUN, line.len()]);
}

/// Words and sentence ends of `text`, line by line, are those of the whole text by the general rules.
fn equal_the_unicode_rules(text: &str) -> Result<(), TestCaseError> {
    let expected: Vec<&str> = text.unicode_words().collect();
    let found: Vec<&str> = text.split_inclusive('\n').flat_map(words).collect();
    prop_assert_eq!(found, expected);
    let (mut offset, mut found) = (0, Vec::new());
    for line in text.split_inclusive('\n') {
        found.extend(ends(line).into_iter().map(|end| offset + end));
        offset += line.len();
    }
    let expected: Vec<usize> = text.split_sentence_bound_indices().map(|(start, part)| start + part.len()).collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

/// Every character that has a shadow, in the places where its class matters.
#[test]
fn every_shadow_is_of_the_same_class() {
    let mut shadow = Shadow::default();
    let mut tried = 0;
    for character in ('\u{80}'..='\u{ffff}').filter(|character| shadow.fill(&character.to_string())) {
        tried += 1;
        for place in [
            "a#b", "1#1", "A#B", "a.#b", "a.#B", "a.# B", "a. #B", "a.#. B", "a.1#.B", "#.B", "#. b", "1.#", "#",
            "?#a", "? #?",
        ] {
            equal_the_unicode_rules(&place.replace('#', &character.to_string())).unwrap();
        }
    }
    assert!(tried > 100, "{tried} characters");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn ascii_lines(text in "[ -~\t\r\n\x0B\x0C\x00]{0,30}|[aA1_.,:;'!?() \r\n-]{0,24}") {
        equal_the_unicode_rules(&text)?;
    }

    #[test]
    fn lines_with_a_shadow(
        text in "[aA1.!, éÉß’‘“”„«»–—…•×÷¢£©®°€™→\u{a0}\r\n'-]{0,24}|[À-ÿα-ω aB.?]{0,20}|[a.?’ é1]{0,12}"
    ) {
        equal_the_unicode_rules(&text)?;
    }

    #[test]
    fn other_lines(text in "[aA1é.’”“ \u{200d}\u{2028}\r\n!あ-]{0,24}") {
        equal_the_unicode_rules(&text)?;
    }
}
