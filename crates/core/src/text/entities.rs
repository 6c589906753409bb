//! Named things by their form: dates, quantities, links, paths, versions, names and acronyms.
//!
//! Words are judged one by one with a small memory of the word before; links and paths are whole chunks between blanks.
//! A name is a run of capitalised words that does not open a sentence, a clause behind a colon, or an answer option.

use super::{
    lexicon::{LEXICON, hash, role},
    scan::Token,
};

/// How many things of each kind a text names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    /// Days, months with a day or year, weekdays, years after a preposition.
    pub dates: u32,
    /// Numbers with a unit, a currency sign or a percent sign.
    pub quantities: u32,
    /// URLs and e-mail addresses.
    pub links: u32,
    /// File paths.
    pub paths: u32,
    /// Version numbers.
    pub versions: u32,
    /// Names: runs of capitalised words inside a sentence.
    pub names: u32,
    /// Words of two to six capital letters in sentences that are not all capitals.
    pub acronyms: u32,
}

impl Entities {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.dates + self.quantities + self.links + self.paths + self.versions + self.names + self.acronyms
    }
}

/// What the word before was.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    /// A number that is not counted yet.
    Number,
    /// The year of an ISO date, and its month.
    IsoYear,
    IsoMonth,
    /// A month without a day yet.
    Month,
    /// A part of a date that is counted already.
    Date,
    /// The end of another thing that is counted already.
    Counted,
    /// A preposition that makes a number a year.
    Preposition,
    /// A word behind which a number with a dot is a version.
    Product,
}

/// Collects [`Entities`].
#[derive(Default)]
pub(super) struct Mentions {
    pub(super) entities: Entities,
    before: Before,
    /// The word before is a name and a blank or hyphen follows it.
    in_name: bool,
    /// A capital would open a clause here.
    clause_start: bool,
    sentence_acronyms: u32,
    sentence_others: u32,
}

impl Mentions {
    /// Takes a word and says whether it is (part of) a proper name.
    #[inline]
    pub(super) fn word(&mut self, token: &Token<'_>) -> bool {
        if token.opens_sentence {
            (self.before, self.in_name, self.clause_start) = (Before::Other, false, true);
        }
        let first = token.text.as_bytes().first().copied().unwrap_or(0);
        self.before = if first.is_ascii_digit() {
            self.number(token)
        } else if token.is(role::MONTH | role::UNIT | role::WEEKDAY | role::YEAR_PREPOSITION | role::TECHNICAL)
            || matches!(first, b'v' | b'w')
        {
            self.marked_word(token)
        } else {
            Before::Other
        };
        let proper = !matches!(self.before, Before::Date | Before::Month | Before::Counted) && self.name(token);
        self.clause_start = token.after() == b':' || token.enumerates();
        proper
    }

    /// Counts acronyms and names; says whether the word is a name.
    #[inline]
    fn name(&mut self, token: &Token<'_>) -> bool {
        if token.text.len() < 2 || !token.capitalised() || is_first_person(token.lower) {
            self.sentence_others += 1;
            self.in_name = false;
            return false;
        }
        let capitals = token.text.bytes().filter(u8::is_ascii_uppercase).count();
        if (2..=6).contains(&token.text.len()) && capitals >= 2 && capitals == token.text.len() {
            self.sentence_acronyms += 1;
            self.in_name = false;
            return true;
        }
        if self.clause_start {
            self.in_name = false;
            return false;
        }
        if !self.in_name {
            self.entities.names += 1;
        }
        self.in_name = matches!(token.after(), b' ' | b'-');
        true
    }

    /// Ends the sentence: capitals in a shouted sentence are no acronyms.
    pub(super) fn end_sentence(&mut self) {
        if self.sentence_others >= self.sentence_acronyms {
            self.entities.acronyms += self.sentence_acronyms;
        }
        (self.sentence_acronyms, self.sentence_others) = (0, 0);
    }

    fn number(&mut self, token: &Token<'_>) -> Before {
        let text = token.text;
        if !token.numeric() {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let suffix = token.lower.get(digits..).unwrap_or_default();
            if digits == 4 && suffix == "s" {
                self.entities.dates += 1; // 1990s
                return Before::Date;
            }
            if LEXICON.get(suffix, hash(suffix)).roles & role::UNIT != 0 {
                self.entities.quantities += 1;
            }
            return Before::Other;
        }
        let dots = text.bytes().filter(|&byte| byte == b'.').count();
        if dots >= 2 {
            if text.rsplit('.').next().is_some_and(|part| part.len() == 4) {
                self.entities.dates += 1;
                return Before::Date;
            }
            self.entities.versions += 1;
            return Before::Other;
        }
        if dots == 1 && self.before == Before::Product {
            self.entities.versions += 1;
            return Before::Other;
        }
        if self.before == Before::Date && is_year(text) && token.after() != b'-' {
            return Before::Other; // 5 May 2013
        }
        if self.before == Before::Month || (self.before == Before::Preposition && is_year(text)) {
            self.entities.dates += 1;
            return Before::Date;
        }
        self.iso_or_quantity(token)
    }

    fn iso_or_quantity(&mut self, token: &Token<'_>) -> Before {
        let hyphen = token.after() == b'-';
        match (self.before, token.joined, token.text.len()) {
            (Before::IsoMonth, true, 1 | 2) => {
                self.entities.dates += 1;
                return Before::Date;
            }
            (Before::IsoYear, true, 1 | 2) if hyphen => return Before::IsoMonth,
            (_, false, 4) if hyphen => return Before::IsoYear,
            _ => {}
        }
        let head = token.line.get(..token.start).unwrap_or_default();
        let tail = token.line.get(token.end..).unwrap_or_default();
        if head.ends_with(['$', '€', '£']) || tail.starts_with(['%', '°']) {
            self.entities.quantities += 1;
            return Before::Other;
        }
        Before::Number
    }

    /// A word on one of the lists, or one that may be a version or a link.
    fn marked_word(&mut self, token: &Token<'_>) -> Before {
        if self.before == Before::Number && token.is(role::UNIT) {
            self.entities.quantities += 1;
            return Before::Counted;
        }
        if token.is(role::MONTH) && token.capitalised() {
            if self.before == Before::Number {
                self.entities.dates += 1; // 5 May
                return Before::Date;
            }
            return Before::Month;
        }
        if token.is(role::WEEKDAY) && token.capitalised() {
            self.entities.dates += 1;
            return Before::Date;
        }
        if token.lower.starts_with("www.") {
            self.entities.links += 1;
            return Before::Other;
        }
        if is_version(token.lower) {
            self.entities.versions += 1;
            return Before::Counted;
        }
        match token {
            _ if token.is(role::TECHNICAL) || matches!(token.lower, "version" | "v") => Before::Product,
            _ if token.is(role::YEAR_PREPOSITION) => Before::Preposition,
            _ => Before::Other,
        }
    }
}

fn is_first_person(lower: &str) -> bool {
    matches!(lower, "i'm" | "i'll" | "i've" | "i'd")
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && matches!(text.parse::<u32>(), Ok(1000..=2099))
}

/// `v2`, `v1.2.3`.
fn is_version(lower: &str) -> bool {
    lower.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Finds links, paths and dates with slashes: chunks between blanks that hold `/`, `\` or `@`.
pub(super) fn special_chunks(text: &str, mentions: &mut Mentions) {
    let bytes = text.as_bytes();
    let mut done = 0;
    while let Some(found) =
        bytes.get(done..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'@')))
    {
        let hit = done + found;
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        let start = bytes.get(done..hit).and_then(|part| part.iter().rposition(blank)).map_or(done, |at| done + at + 1);
        let end = bytes.get(hit..).and_then(|rest| rest.iter().position(blank)).map_or(bytes.len(), |at| hit + at);
        if let Some(chunk) = text.get(start..end) {
            classify(chunk, &mut mentions.entities);
        }
        done = end;
    }
}

fn classify(chunk: &str, entities: &mut Entities) {
    let chunk = chunk.trim_matches(|c: char| {
        matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '`')
    });
    let chunk = chunk.trim_end_matches('.');
    if chunk.contains("://") || is_address(chunk) {
        entities.links += 1;
    } else if is_slash_date(chunk) {
        entities.dates += 1;
    } else if is_path(chunk) {
        entities.paths += 1;
    }
}

/// `name@host.tld`.
fn is_address(chunk: &str) -> bool {
    chunk.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest.len() >= 2)
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    })
}

/// Three numbers of one to four digits between slashes.
fn is_slash_date(chunk: &str) -> bool {
    chunk.len() <= 10
        && chunk.split('/').count() == 3
        && chunk.split('/').all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `/usr/bin`, `./a`, `~/a`, `src/main.rs`, `C:\a`, `\\host\a`.
fn is_path(chunk: &str) -> bool {
    let named = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_'));
    if ["/", "./", "../", "~/", "\\\\"].iter().any(|prefix| chunk.strip_prefix(prefix).is_some_and(named)) {
        return true;
    }
    if let [drive, b':', b'\\', ..] = chunk.as_bytes() {
        return drive.is_ascii_alphabetic();
    }
    chunk.rsplit_once('/').and_then(|(_, file)| file.rsplit_once('.')).is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
#[path = "entities_tests.rs"]
mod tests;
