//! Prompts: English-like text whose features follow from what is planted.

use rand::Rng;

use crate::draw::{Generator, pick};
use crate::vocabulary::{
    ADJECTIVES, AUDIENCES, BACKGROUNDS, CONSTRAINTS, FILLERS, FORMATS, MATTERS, QUOTES, REPLIES, SUBJECTS, TERMS,
    VAGUE, VERBS,
};

/// Fewest and most bytes of a prompt.
pub(crate) const LENGTH: (usize, usize) = (80, 900);

/// What a prompt is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    /// Index of the project type.
    pub(crate) project: usize,
    /// Index of the domain.
    pub(crate) domain: usize,
    /// How clear, in [0, 1].
    pub(crate) clarity: f64,
    /// How complete, in [0, 1].
    pub(crate) completeness: f64,
    /// How actionable, in [0, 1].
    pub(crate) actionability: f64,
    /// In long sentences.
    pub(crate) long: bool,
    /// With technical terms.
    pub(crate) technical: bool,
    /// With an example.
    pub(crate) examples: bool,
}

/// The text of a draft, [`LENGTH`] bytes.
pub(crate) fn prompt(rng: &mut Generator, draft: &Draft) -> String {
    let mut sentences = vec![opening(rng, draft)];
    if draft.technical {
        let count = if draft.long { 3 } else { 2 };
        sentences.extend((0..count).map(|_| technical(rng)));
    }
    let details = (draft.completeness * 5.0) as usize;
    sentences.extend((0..details).map(|kind| detail(rng, kind)));
    if draft.clarity < 0.45 {
        let count = if draft.clarity < 0.2 { 3 } else { 1 };
        sentences.extend((0..count).map(|_| (*pick(rng, &VAGUE)).to_owned()));
    }
    let fewest = if draft.long { 4 } else { 1 };
    while sentences.len() < fewest || sentences.iter().map(|s| s.len() + 2).sum::<usize>() <= LENGTH.0 {
        sentences.push(format!("{} {}", pick(rng, &FILLERS), pick(rng, MATTERS[draft.domain])));
    }
    let example = draft.examples.then(|| example(rng));
    let room = LENGTH.1 - example.as_ref().map_or(0, |e| e.len() + 1);
    let mut text = joined(&sentences, draft.long, room);
    if let Some(example) = example {
        text.push('\n');
        text.push_str(&example);
    }
    text
}

/// The sentences that fit into `room` bytes; in long style four of them make one.
fn joined(sentences: &[String], long: bool, room: usize) -> String {
    let mut text = String::new();
    let per_sentence = if long { 4 } else { 1 };
    let links = [", and ", ", while ", ", because "];
    for (i, sentence) in sentences.iter().enumerate() {
        if text.len() + sentence.len() + 12 > room {
            break;
        }
        match i % per_sentence {
            0 if i > 0 => {
                text.push_str(". ");
                text.push_str(sentence);
            }
            0 => text.push_str(sentence),
            part => {
                text.push_str(links[(part - 1) % links.len()]);
                // Acronyms and names keep their capital.
                let mut letters = sentence.chars();
                if let Some(first) = letters.next() {
                    let keep = letters.clone().next().is_some_and(char::is_uppercase);
                    text.push(if keep { first } else { first.to_ascii_lowercase() });
                    text.push_str(letters.as_str());
                }
            }
        }
    }
    text.push('.');
    text
}

fn opening(rng: &mut Generator, draft: &Draft) -> String {
    let (verb, adjective) = (pick(rng, &VERBS), pick(rng, &ADJECTIVES));
    let (subject, matter) = (pick(rng, SUBJECTS[draft.project]), pick(rng, MATTERS[draft.domain]));
    let an_adjective = with_article(adjective);
    let variant = rng.gen_range(0..3);
    if draft.actionability >= 0.6 {
        match variant {
            0 => format!("{verb} {an_adjective} {subject} for {matter}"),
            1 => format!("{verb} the {subject} that deals with {matter} and make it {adjective}"),
            _ => format!("{verb} {} for {matter}, {adjective} enough to ship this week", with_article(subject)),
        }
    } else if draft.actionability >= 0.3 {
        let verb = verb.to_ascii_lowercase();
        match variant {
            0 => format!("Please {verb} {an_adjective} {subject} for {matter}"),
            1 => format!("We need someone to {verb} the {subject} for {matter}"),
            _ => format!("Our {subject} for {matter} has to become more {adjective}"),
        }
    } else {
        match variant {
            0 => format!("I was wondering about the {subject} and {matter}"),
            1 => format!("There has been some talk of {an_adjective} {subject} around {matter}"),
            _ => format!("Some {subject} for {matter} would be {adjective}, people say"),
        }
    }
}

fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {word}")
}

fn detail(rng: &mut Generator, kind: usize) -> String {
    match kind {
        0 => format!("The readers are {}", pick(rng, &AUDIENCES)),
        1 => (*pick(rng, &CONSTRAINTS)).to_owned(),
        2 => format!("Return {}", pick(rng, &FORMATS)),
        _ => (*pick(rng, &BACKGROUNDS)).to_owned(),
    }
}

fn technical(rng: &mut Generator) -> String {
    let first = rng.gen_range(0..TERMS.len());
    // Steps of 7 visit four different terms, as 7 and the number of terms have no common divisor.
    let term = |i: usize| TERMS[(first + 7 * i) % TERMS.len()];
    match rng.gen_range(0..3) {
        0 => format!("Connect the {} to the {} and put the {} before the {}", term(0), term(1), term(2), term(3)),
        1 => format!("The {} calls the {} through the {} with its own {}", term(0), term(1), term(2), term(3)),
        _ => format!("Test the {} and the {} against the {} of the {}", term(0), term(1), term(2), term(3)),
    }
}

fn example(rng: &mut Generator) -> String {
    let (quote, reply) = (pick(rng, &QUOTES), pick(rng, &REPLIES));
    match rng.gen_range(0..2) {
        0 => format!("For example, \"{quote}\" should lead to \"{reply}\"."),
        _ => format!("Example:\nInput: {quote}\nOutput: {reply}"),
    }
}
