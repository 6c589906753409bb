//! Contingency tables counted in two ways, and the tests on them.

use ndarray::Array2;
use proptest::prelude::*;

use super::*;

/// The table of each stratum, counted row by row in the plainest way; without strata that have no rows.
fn plain(x: &Array2<u8>, (a, b): (usize, usize), given: &[usize], states: usize) -> Vec<Vec<u32>> {
    let mut strata = std::collections::BTreeMap::new();
    for row in x.outer_iter() {
        let stratum: Vec<u8> = given.iter().map(|v| row[*v]).collect();
        let table = strata.entry(stratum).or_insert_with(|| vec![0; states * states]);
        table[usize::from(row[a]) * states + usize::from(row[b])] += 1;
    }
    strata.into_values().collect()
}

/// Rows x 5 of the values 0 to 2, each of which occurs.
fn rows() -> impl Strategy<Value = Array2<u8>> {
    prop::collection::vec(0..3u8, 150 * 5).prop_map(|mut values| {
        (0..15).for_each(|i| values[i] = (i / 5) as u8);
        Array2::from_shape_vec((150, 5), values).unwrap()
    })
}

proptest! {
    #[test]
    fn bits_and_bytes_count_alike(x in rows()) {
        let test = ContingencyTest::new(Categories::of(x.view(), &()).unwrap(), Statistic::ChiSquare);
        for given in [&[][..], &[2], &[2, 3], &[2, 3, 4]] {
            let expected = plain(&x, (0, 1), given, 3);
            let mut scratch = test.scratch();
            test.count_bits(0, 1, given, &mut scratch);
            let by_bits: Vec<Vec<u32>> = scratch.cells.chunks(9).map(<[u32]>::to_vec).collect();
            prop_assert_eq!(&by_bits, &expected);
            scratch.cells.clear();
            test.count_rows(0, 1, given, &mut scratch);
            let mut by_rows: Vec<Vec<u32>> = scratch.cells.chunks(9).map(<[u32]>::to_vec).collect();
            by_rows.retain(|table| table.iter().sum::<u32>() > 0);
            prop_assert_eq!(&by_rows, &expected);
        }
    }

    #[test]
    fn strata_closed_up_are_the_same_strata(mut strata in prop::collection::vec(0..40u32, 1..60), far in any::<bool>()) {
        let before = strata.clone();
        let many = close_up(&mut strata, if far { usize::MAX } else { 40 }, &mut Vec::new());
        prop_assert_eq!(many, before.iter().collect::<std::collections::BTreeSet<_>>().len());
        for (i, a) in before.iter().enumerate() {
            prop_assert!((strata[i] as usize) < many);
            for (j, b) in before.iter().enumerate() {
                prop_assert_eq!(a.cmp(b), strata[i].cmp(&strata[j]));
            }
        }
    }
}

fn p(x: &Array2<u16>, given: &[usize], statistic: Statistic) -> f64 {
    let test = ContingencyTest::new(Categories::of(x.view(), &()).unwrap(), statistic);
    test.p_value(0, 1, given, &mut test.scratch(), GoOn::ALWAYS).unwrap()
}

#[test]
fn a_table_by_hand() {
    // 30 10 / 20 40: chi-square 50/3 with one degree of freedom.
    let cells = [((0, 0), 30), ((0, 1), 10), ((1, 0), 20), ((1, 1), 40)];
    let rows: Vec<u16> = cells.iter().flat_map(|((a, b), n)| [*a, *b].repeat(*n)).collect();
    let x = Array2::from_shape_vec((100, 2), rows).unwrap();
    let expected = crate::multiple_testing::two_sided_p((50.0f64 / 3.0).sqrt());
    assert!((p(&x, &[], Statistic::ChiSquare) / expected - 1.0).abs() < 1e-9);
    let g: f64 = 2.0
        * [(30.0, 20.0), (10.0, 20.0), (20.0, 30.0), (40.0, 30.0)]
            .iter()
            .map(|(o, e): &(f64, f64)| o * (o / e).ln())
            .sum::<f64>();
    assert!((p(&x, &[], Statistic::GSquare) / crate::multiple_testing::two_sided_p(g.sqrt()) - 1.0).abs() < 1e-9);
}

#[test]
fn dependence_within_strata_is_told_from_dependence_between_them() {
    // Both follow the third variable, and nothing else.
    let apart = Array2::from_shape_fn((4000, 3), |(i, j)| {
        let z = i % 2;
        ([i / 2 % 5, i / 10 % 5, 0][j] / 4 * z + z) as u16
    });
    assert!(p(&apart, &[], Statistic::ChiSquare) < 1e-9);
    assert!(p(&apart, &[2], Statistic::ChiSquare) > 0.5);
}

#[test]
fn many_strata_of_one_row_tell_nothing() {
    let x =
        Array2::from_shape_fn((250, 6), |(i, j)| [i % 2, i / 2 % 2, i, 249 - i, i * 7 % 250, i * 3 % 250][j] as u16);
    assert_eq!(p(&x, &[2, 3, 4, 5], Statistic::ChiSquare), 1.0);
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let error = |x: Array2<u16>| Categories::of(x.view(), &()).unwrap_err();
    assert_eq!(error(Array2::zeros((3, 2))), CausalDiscoveryError::Empty { rows: 3, variables: 2 });
    assert_eq!(error(Array2::zeros((5, 2))), CausalDiscoveryError::Constant(0));
    assert_eq!(error(Array2::from_shape_fn((300, 2), |(i, _)| i as u16)), CausalDiscoveryError::TooManyStates(0));
}
