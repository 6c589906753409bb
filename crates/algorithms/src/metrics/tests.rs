use super::*;
use proptest::prelude::*;

const SCORES: [f64; 10] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.65, 0.9, 0.2, 0.4, 0.65];
const LABELS: [bool; 10] = [false, false, true, true, true, false, true, false, false, true];

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<MetricError>();
    has_autotraits::<Confusion>();
    has_autotraits::<YoudenThreshold>();
    has_autotraits::<Bins>();
}

/// Expected values: sklearn.metrics of scikit-learn 1.9.1 on the same ten rows.
#[test]
fn values_are_those_of_scikit_learn() {
    close(auroc(&SCORES, &LABELS).unwrap(), 0.78);
    close(average_precision(&SCORES, &LABELS).unwrap(), 0.7892857142857141);
    close(brier(&SCORES, &LABELS).unwrap(), 0.17475000000000002);
    close(log_loss(&SCORES, &LABELS).unwrap(), 0.5125377278440018);
    close(log_loss(&[0.0, 1.0], &[true, true]).unwrap(), 18.021826694558577);
}

#[test]
fn calibration_error_by_hand() {
    // Bins [0, .5) and [.5, 1]: gaps |.1+.4+.35+.4+.2+.4 - 2| = .15 and |.8+.65+.9+.65 - 3| = 0.
    close(expected_calibration_error(&SCORES, &LABELS, Bins::EqualWidth(2)).unwrap(), 0.015);
    // Sorted, groups of five: .1 .2 .35 .4 .4 and, kept together with them, .4; then .65 .65 .8 .9: as above.
    close(expected_calibration_error(&SCORES, &LABELS, Bins::EqualMass(2)).unwrap(), 0.015);
    // One bin: |mean probability - share of positives| = |4.85 - 5| / 10.
    close(expected_calibration_error(&SCORES, &LABELS, Bins::EqualWidth(1)).unwrap(), 0.015);
    close(expected_calibration_error(&[0.0, 1.0], &[true, false], Bins::EqualWidth(10)).unwrap(), 1.0);
    let coarse = [0.2, 0.2, 0.2, 0.2, 0.2];
    close(expected_calibration_error(&coarse, &[true, false, false, false, false], Bins::EqualMass(5)).unwrap(), 0.0);
}

#[test]
fn confusion_counts_by_hand() {
    let counts = confusion(&SCORES, &LABELS, 0.4).unwrap();
    let expected = Confusion { true_positives: 4, false_positives: 3, true_negatives: 2, false_negatives: 1 };
    assert_eq!(counts, expected);
    assert_eq!(counts.accuracy(), Some(0.6));
    assert_eq!(counts.true_positive_rate(), Some(0.8));
    assert_eq!(counts.false_positive_rate(), Some(0.6));
    assert_eq!(counts.precision(), Some(4.0 / 7.0));
    assert_eq!(counts.f1(), Some(8.0 / 12.0));
    assert_eq!(confusion(&[0.0], &[false], 1.0).unwrap().precision(), None);
}

#[test]
fn youden_by_hand() {
    // At .8 two of five positives and no negative, at .65 three and one: J = .4 both times; the highest wins.
    let best = youden_threshold(&SCORES, &LABELS).unwrap();
    assert_eq!(best.threshold, 0.8);
    close(best.index(), 0.4);
}

#[test]
fn undefined_metrics_are_errors() {
    assert_eq!(auroc(&[], &[]), Err(MetricError::Empty));
    assert_eq!(auroc(&[0.1], &[]), Err(MetricError::Lengths { scores: 1, labels: 0 }));
    assert_eq!(auroc(&[0.1, 0.2], &[true, true]), Err(MetricError::OneClass(true)));
    assert_eq!(average_precision(&[0.1, 0.2], &[false, false]), Err(MetricError::OneClass(false)));
    assert_eq!(auroc(&[0.1, f64::NAN], &[true, false]), Err(MetricError::NotANumber { row: 1 }));
    assert_eq!(brier(&[0.1, 1.5], &[true, false]), Err(MetricError::Probability { row: 1, value: 1.5 }));
    assert_eq!(expected_calibration_error(&[0.1], &[true], Bins::EqualMass(0)), Err(MetricError::NoBins));
}

fn scored() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(((0u8..20).prop_map(|step| f64::from(step) / 19.0), any::<bool>()), 2..60)
        .prop_filter("both classes", |rows| rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.1))
}

proptest! {
    #[test]
    fn auroc_counts_pairs(rows in scored()) {
        let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().copied().unzip();
        let (mut sum, mut pairs) = (0.0, 0.0);
        for positive in rows.iter().filter(|row| row.1) {
            for negative in rows.iter().filter(|row| !row.1) {
                pairs += 1.0;
                sum += match positive.0.total_cmp(&negative.0) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        prop_assert!((auroc(&scores, &labels).unwrap() - sum / pairs).abs() < 1e-12);
        let inverted: Vec<f64> = scores.iter().map(|score| -score).collect();
        prop_assert!((auroc(&inverted, &labels).unwrap() + sum / pairs - 1.0).abs() < 1e-12);
    }

    #[test]
    fn row_order_does_not_matter(rows in scored(), turn in 0usize..60, bins in 1usize..12) {
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        let [(p, y), (q, z)] = [rows, turned].map(|rows| rows.into_iter().unzip::<f64, bool, Vec<_>, Vec<_>>());
        for kind in [Bins::EqualWidth(bins), Bins::EqualMass(bins)] {
            let [a, b] = [(&p, &y), (&q, &z)].map(|(p, y)| expected_calibration_error(p, y, kind).unwrap());
            prop_assert!((a - b).abs() < 1e-12 && (0.0..=1.0).contains(&a));
        }
        prop_assert!((average_precision(&p, &y).unwrap() - average_precision(&q, &z).unwrap()).abs() < 1e-12);
        prop_assert_eq!(youden_threshold(&p, &y).unwrap(), youden_threshold(&q, &z).unwrap());
    }

    #[test]
    fn youden_agrees_with_confusion(rows in scored()) {
        let (scores, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let best = youden_threshold(&scores, &labels).unwrap();
        let at = confusion(&scores, &labels, best.threshold).unwrap();
        prop_assert_eq!(at.true_positive_rate(), Some(best.true_positive_rate));
        prop_assert_eq!(at.false_positive_rate(), Some(best.false_positive_rate));
        for threshold in &scores {
            let other = confusion(&scores, &labels, *threshold).unwrap();
            let index = other.true_positive_rate().unwrap() - other.false_positive_rate().unwrap();
            prop_assert!(index <= best.index() + 1e-12);
        }
    }
}
