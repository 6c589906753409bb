//! One text for every kind.

use super::*;
use crate::text::analyze;

#[test]
fn kinds_are_told_apart() {
    let none = Entities::default();
    for (text, expected) in [
        ("It cost $5 and 10% of 3 kg at 37°C after 20km.", Entities { quantities: 5, ..none }),
        ("On 5 May 2013, since 1999, May 6, 1/2/2013, 2013-05-04, the 1990s, Monday.", Entities { dates: 7, ..none }),
        ("See https://a.org/x, www.b.org and me@c.org.", Entities { links: 3, ..none }),
        ("Open /etc/hosts, src/main.rs, C:\\x or ~/notes and/or no path.", Entities { paths: 4, ..none }),
        ("We run v1.2, Python 3.11 and 1.2.3 on it.", Entities { versions: 3, names: 1, ..none }),
        ("Ask Marie Curie or Bob about it. I think I'm done.", Entities { names: 2, ..none }),
        ("The NASA report on DNA. THIS IS LOUD.", Entities { acronyms: 2, ..none }),
        ("A) Apples\nNote: Pears grow. Then 7 apples.", none),
    ] {
        assert_eq!(analyze(text).entities, expected, "{text}");
    }
}
