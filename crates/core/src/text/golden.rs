//! Twelve prompts with all counts, verified by hand, and their features.

use super::{Entities, Linguistic, analyze};

struct Golden {
    text: &'static str,
    /// Characters, sentences, tokens, words, syllables, complex words, types, technical terms, code tokens, subordinators,
    /// coordinators, inner marks, well-formed sentences, questions, imperatives, constraints, vague words, examples.
    counts: [u32; 18],
    /// Dates, quantities, links, paths, versions, names, acronyms.
    entities: [u32; 7],
    /// In the order of [`Linguistic::NAMES`].
    features: [f32; 10],
}

const GOLDEN: &[Golden] = &[
    Golden {
        text: "What causes the northern lights?",
        counts: [27, 1, 5, 5, 7, 0, 5, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.8410, 0.5168, 0.0000, 0.0000, 0.5748, 0.0000, 0.1000, 0.4800, 0.0000, 0.4626],
    },
    Golden {
        text: "Write a short poem about the sea.",
        counts: [26, 1, 7, 7, 9, 0, 7, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.8857, 0.5232, 0.0000, 0.0000, 0.6399, 0.0000, 0.1400, 0.7000, 0.0000, 0.5493],
    },
    Golden {
        text: "Please list exactly 3 cities in France. Do not add anything else.",
        counts: [52, 2, 12, 12, 17, 2, 12, 0, 0, 0, 0, 0, 2, 0, 2, 2, 1, 0],
        entities: [0, 0, 0, 0, 0, 1, 0],
        features: [0.8242, 0.5385, 0.5102, 0.0000, 0.6705, 0.0000, 0.1200, 0.7777, 0.0000, 0.6101],
    },
    Golden {
        text: "The cat sat on the mat. The cat slept.",
        counts: [28, 2, 9, 9, 9, 0, 6, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.9672, 0.3600, 0.0000, 0.0000, 0.6587, 0.0000, 0.0900, 0.1500, 0.0000, 0.3758],
    },
    Golden {
        text: "Explain what a neural network is, e.g. with a drawing.",
        counts: [42, 1, 10, 10, 15, 0, 9, 2, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.7289, 0.4563, 0.0000, 0.4286, 0.7121, 0.5714, 0.2000, 0.7000, 1.0000, 0.6231],
    },
    Golden {
        text: "Input: 2 + 2\nOutput: 4\nInput: 3 + 5\nOutput:",
        counts: [27, 4, 9, 9, 13, 0, 6, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 2],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.8345, 0.3287, 0.0000, 0.2000, 0.2379, 0.0000, 0.0450, 0.1500, 1.0000, 0.3171],
    },
    Golden {
        text: "If the build fails, run `cargo_test` and read /var/log/build.log for Python 3.11.",
        counts: [63, 1, 14, 14, 18, 1, 14, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0],
        entities: [0, 0, 0, 1, 1, 1, 0],
        features: [0.8446, 0.5443, 0.7282, 0.3333, 0.7488, 0.4878, 0.2800, 0.7000, 0.0000, 0.6593],
    },
    Golden {
        text: "Dr. Smith met Marie Curie in Paris on 5 May 1911.",
        counts: [37, 1, 11, 11, 15, 0, 11, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        entities: [1, 0, 0, 0, 0, 3, 0],
        features: [0.8198, 0.5355, 0.8197, 0.0000, 0.7271, 0.0000, 0.2200, 0.1500, 0.0000, 0.4552],
    },
    Golden {
        text: "A well-known state-of-the-art method was created.",
        counts: [39, 1, 10, 6, 13, 0, 10, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.1641, 0.5325, 0.0000, 0.0000, 0.6080, 0.4000, 0.1200, 0.1500, 0.0000, 0.3011],
    },
    Golden {
        text: "Can you help me fix this stuff? It is really very bad",
        counts: [41, 2, 12, 12, 14, 0, 12, 0, 0, 0, 0, 0, 1, 0, 1, 0, 3, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.9310, 0.5385, 0.0000, 0.0000, 0.4205, 0.0000, 0.1200, 0.3000, 0.0000, 0.3945],
    },
    Golden {
        text: "1. Open the file.\n2. Copy 10 MB to https://example.org/x.\n3. Close it.",
        counts: [48, 3, 15, 15, 25, 2, 15, 1, 0, 0, 0, 1, 3, 0, 3, 0, 0, 0],
        entities: [0, 1, 1, 0, 0, 0, 0],
        features: [0.6313, 0.5472, 0.6250, 0.0769, 0.6907, 0.3077, 0.1000, 0.7000, 0.0000, 0.5949],
    },
    Golden {
        text: "Don’t translate the word “café”; keep it as it is, because it's a name.",
        counts: [53, 1, 14, 14, 17, 0, 13, 0, 0, 2, 0, 1, 1, 0, 1, 1, 0, 0],
        entities: [0, 0, 0, 0, 0, 0, 0],
        features: [0.8803, 0.4876, 0.0000, 0.5556, 0.7488, 0.0000, 0.2800, 0.8200, 0.0000, 0.6009],
    },
];

#[test]
fn counts_are_those_made_by_hand() {
    for golden in GOLDEN {
        let a = analyze(golden.text);
        let counts = [
            a.characters,
            a.sentences,
            a.tokens,
            a.words,
            a.syllables,
            a.complex_words,
            a.types,
            a.technical_terms,
            a.code_tokens,
            a.subordinators,
            a.coordinators,
            a.inner_marks,
            a.well_formed_sentences,
            a.questions,
            a.imperatives,
            a.constraints,
            a.vague_words,
            a.examples,
        ];
        assert_eq!(counts, golden.counts, "{}", golden.text);
        let [dates, quantities, links, paths, versions, names, acronyms] = golden.entities;
        let entities = Entities { dates, quantities, links, paths, versions, names, acronyms };
        assert_eq!(a.entities, entities, "{}", golden.text);
    }
}

#[test]
fn indices_are_the_published_formulas_on_those_counts() {
    for golden in GOLDEN {
        let a = analyze(golden.text);
        let [_, sentences, _, words, syllables, complex, ..] = golden.counts.map(f64::from);
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{}: {found}", golden.text);
        close(a.flesch_reading_ease, 206.835 - 1.015 * words / sentences - 84.6 * syllables / words);
        close(a.flesch_kincaid_grade, 0.39 * words / sentences + 11.8 * syllables / words - 15.59);
        close(a.gunning_fog, 0.4 * (words / sentences + 100.0 * complex / words));
    }
}

#[test]
fn features_stay_as_they_are() {
    for golden in GOLDEN {
        let features = Linguistic::from(&analyze(golden.text)).to_array();
        for ((name, found), expected) in Linguistic::NAMES.iter().zip(features).zip(golden.features) {
            assert!((found - expected).abs() < 1e-4, "{}: {name} is {found}, was {expected}", golden.text);
        }
    }
}
