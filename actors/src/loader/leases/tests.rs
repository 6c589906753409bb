use proptest::prelude::*;
use souffleur_core::ids::Seq;

use super::*;

const LIMITS: LeaseLimits = LeaseLimits { leases: 2, ttl_ms: 10, attempts: 2, retry_after_ms: 7 };

fn at_ms(ms: i64) -> Timestamp {
    Timestamp(ms * 1_000)
}

fn data(watermark: i64) -> DataVersion {
    DataVersion { watermark: Seq(watermark), schema_hash: 1 }
}

fn request(leases: &mut Leases, who: &str, epoch: i64, newest: i64, ms: i64) -> Result<BatchLease, LoaderError> {
    leases.request(&who.into(), Epoch(epoch), &Query::default(), data(newest), at_ms(ms))
}

#[test]
fn the_same_data_until_it_is_acknowledged() {
    let mut leases = Leases::new(LIMITS);
    let first = request(&mut leases, "a", 1, 5, 0).unwrap();
    assert_eq!(request(&mut leases, "a", 1, 6, 9).unwrap(), first, "still good");
    let again = request(&mut leases, "a", 1, 6, 10).unwrap();
    assert_eq!((again.version, again.attempt, again.expires), (data(5), 2, at_ms(20)));
    assert!(matches!(leases.acknowledge("a", Epoch(1), first.id), Err(LoaderError::UnknownLease { .. })));
    leases.acknowledge("a", Epoch(1), again.id).unwrap();
    assert_eq!(request(&mut leases, "a", 1, 6, 11).unwrap().version, data(6));
}

#[test]
fn data_that_fails_again_and_again_is_given_up() {
    let mut leases = Leases::new(LIMITS);
    request(&mut leases, "a", 1, 5, 0).unwrap();
    request(&mut leases, "a", 2, 6, 1).unwrap();
    let third = request(&mut leases, "a", 3, 7, 2).unwrap();
    assert_eq!((third.version, third.attempt), (data(7), 1));
}

#[test]
fn an_older_incarnation_is_turned_away() {
    let mut leases = Leases::new(LIMITS);
    let old = request(&mut leases, "a", 1, 5, 0).unwrap();
    let new = request(&mut leases, "a", 2, 6, 1).unwrap();
    assert_eq!(new.version, data(5));
    assert!(matches!(request(&mut leases, "a", 1, 6, 2), Err(LoaderError::Fenced { .. })));
    assert!(matches!(leases.acknowledge("a", Epoch(1), old.id), Err(LoaderError::Fenced { .. })));
    leases.acknowledge("a", Epoch(2), new.id).unwrap();
}

#[test]
fn another_question_takes_the_place_of_the_last() {
    let mut leases = Leases::new(LIMITS);
    request(&mut leases, "a", 1, 5, 0).unwrap();
    let other = leases.request(&"a".into(), Epoch(1), &Query::all_data(), data(6), at_ms(1)).unwrap();
    assert_eq!((other.version, leases.len()), (data(6), 1));
}

#[test]
fn their_number_is_limited_and_forgotten_ones_make_room() {
    let mut leases = Leases::new(LIMITS);
    request(&mut leases, "a", 1, 5, 0).unwrap();
    request(&mut leases, "b", 1, 5, 5).unwrap();
    assert_eq!(request(&mut leases, "c", 1, 5, 19), Err(LoaderError::Busy { retry_after_ms: 7 }));
    assert!(request(&mut leases, "c", 1, 5, 20).is_ok());
    assert_eq!(leases.len(), 2);
}

proptest! {
    /// Whatever is asked in whatever order: few leases, numbers never given twice to different data, epochs never
    /// go back, and an acknowledged lease is gone.
    #[test]
    fn leases_keep_their_promises(steps in prop::collection::vec((0..3u8, 0..4i64, 0..8i64, any::<bool>()), 0..60)) {
        let mut leases = Leases::new(LIMITS);
        let mut given = BTreeMap::<u64, BatchLease>::new();
        let mut now = 0;
        for (newest, (who, epoch, wait, acknowledge)) in steps.into_iter().enumerate() {
            now += wait;
            let who = ["a", "b", "c"][usize::from(who)];
            let Ok(lease) = request(&mut leases, who, epoch, newest as i64, now) else { continue };
            prop_assert!(leases.len() <= LIMITS.leases);
            prop_assert!(lease.attempt <= LIMITS.attempts && lease.epoch == Epoch(epoch));
            prop_assert!(lease.version.watermark.0 <= newest as i64);
            let before = given.insert(lease.id, lease.clone());
            prop_assert!(before.is_none_or(|before| before == lease));
            if acknowledge {
                prop_assert!(leases.acknowledge(who, lease.epoch, lease.id).is_ok());
                prop_assert!(leases.acknowledge(who, lease.epoch, lease.id).is_err());
            }
        }
    }
}
