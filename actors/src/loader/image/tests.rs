use souffleur_core::store::Store;

use super::*;
use crate::loader::fixture::{History, known_history};
use crate::loader::memory::Meter;

fn image_of(delta: &Delta) -> Result<Image, BadDelta> {
    let mut image = Image::default();
    let purse = Meter::new(1 << 30).take(image.growth_bytes(delta)).unwrap();
    image.ingest(delta, purse).map(|()| image)
}

#[test]
fn sessions_are_found_by_their_place() {
    let history = History::default();
    history.bulk(0, 5_000);
    let delta = history.0.delta(Seq::ZERO, usize::MAX).unwrap();
    let mut image = image_of(&delta).unwrap();
    let find = |image: &Image, i: usize| image.sessions.find(history.seq(&format!("bulk-{i}")).0);
    for i in [0, 1, 1_023, 1_024, 4_999] {
        assert_eq!(find(&image, i), Some(i));
    }
    assert_eq!(image.sessions.find(0), None);
    assert_eq!(image.sessions.find(delta.watermark.0 + 1), None);
    assert!(image.forget_oldest());
    assert_eq!((find(&image, 1_023), find(&image, 1_024)), (None, Some(1_024)));
    assert_eq!(image.floor(), history.seq("bulk-1023"));
    while image.forget_oldest() {}
    assert_eq!(image.sessions.end(), 5_000, "row numbers stay");
}

#[test]
fn what_is_not_whole_is_refused_and_changes_nothing() {
    let good = known_history().0.delta(Seq::ZERO, usize::MAX).unwrap();
    let damaged = |damage: fn(&mut Delta)| {
        let mut delta = good.clone();
        damage(&mut delta);
        image_of(&delta).unwrap_err().to_string()
    };
    assert!(damaged(|d| d.sessions.features.truncate(40)).contains("different lengths"));
    assert!(damaged(|d| d.applications.propensity.clear()).contains("different lengths"));
    assert!(damaged(|d| d.feedback.rating.push(1)).contains("different lengths"));
    assert!(damaged(|d| d.sessions.seq.swap(0, 1)).contains("out of order"));
    assert!(damaged(|d| d.watermark = Seq(3)).contains("out of order"));
    assert!(damaged(|d| d.rules.clear()).contains("unknown rule"));
    assert!(image_of(&good).is_ok());
}
