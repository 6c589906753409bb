use super::*;
use ndarray::{Array2, array};
use proptest::prelude::*;

/// Sorts all rows by distance, then row.
fn by_sorting(x: &Array2<f64>, query: ArrayView1<'_, f64>, k: usize) -> Vec<usize> {
    let distance = |row: ArrayView1<'_, f64>| -> f64 {
        let mut sum = 0.0;
        for (a, b) in row.iter().zip(query) {
            sum += (a - b) * (a - b);
        }
        sum
    };
    let mut rows: Vec<(f64, usize)> = x.outer_iter().map(distance).zip(0..).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    rows.into_iter().take(k).map(|row| row.1).collect()
}

fn rows_of(found: &[Neighbor]) -> Vec<usize> {
    found.iter().map(|neighbor| neighbor.row).collect()
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<NeighborIndex<f32>>();
    has_autotraits::<NeighborIndex<f64>>();
    has_autotraits::<Neighbor>();
    has_autotraits::<NeighborsError>();
}

#[test]
fn ties_come_in_row_order_across_chunks() {
    let x = Array2::from_shape_fn((10_000, 2), |(row, _)| (row % 3) as f64);
    let index = NeighborIndex::new(x.view(), &()).unwrap();
    let expected: Vec<usize> = (0..2000).map(|rank| 3 * rank + 1).collect();
    let query = array![1.0, 1.0];
    assert_eq!(rows_of(&index.nearest(query.view(), 2000).unwrap()), expected);
    let batch = index.nearest_batch(query.view().insert_axis(Axis(0)), 2000, &()).unwrap();
    assert_eq!(rows_of(&batch[0]), expected);
}

#[test]
fn single_and_batch_searches_agree_on_f32() {
    let x = Array2::from_shape_fn((9_000, 31), |(row, column)| ((row * 31 + column * 17) % 1009) as f32);
    let index = NeighborIndex::new(x.view(), &()).unwrap();
    let queries = x.slice(ndarray::s![100..140, ..]);
    let batch = index.nearest_batch(queries, 5, &()).unwrap();
    assert_eq!(batch.len(), 40);
    for (row, found) in batch.iter().enumerate() {
        assert_eq!(*found, index.nearest(queries.row(row), 5).unwrap());
        assert_eq!(found[0].distance, 0.0);
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let x = array![[0.0, 1.0], [2.0, 3.0]];
    let index = NeighborIndex::new(x.view(), &()).unwrap();
    assert_eq!((index.rows(), index.columns()), (2, 2));
    assert_eq!(index.nearest(x.row(0), 0), Err(NeighborsError::NoNeighbors));
    assert_eq!(index.nearest(array![1.0].view(), 1), Err(NeighborsError::Columns { expected: 2, found: 1 }));
    let nan = NotFinite { row: 0, column: 1 };
    assert_eq!(index.nearest(array![1.0, f64::NAN].view(), 1), Err(NeighborsError::NotFinite(nan)));
    assert_eq!(NeighborIndex::new(array![[1.0, f64::NAN]].view(), &()), Err(NeighborsError::NotFinite(nan)));
    let empty = Array2::<f64>::zeros((0, 4));
    assert_eq!(NeighborIndex::new(empty.view(), &()), Err(NeighborsError::Empty { rows: 0, columns: 4 }));
    let stop = |_: u64, _: u64| Err(Interrupted);
    assert_eq!(index.nearest_batch(x.view(), 1, &stop), Err(NeighborsError::Interrupted(Interrupted)));
    assert!(NeighborIndex::try_from(Stored { rows: 33, columns: 1, values: vec![0.0; 32] }).is_err());
}

proptest! {
    #[test]
    fn the_search_is_exact(
        values in prop::collection::vec((-4i8..4).prop_map(f64::from), 1..600),
        columns in 1usize..5,
        k in 1usize..12,
    ) {
        let rows = values.len().div_ceil(columns);
        let x = Array2::from_shape_fn((rows, columns), |(row, column)| values[(row * columns + column) % values.len()]);
        let index = NeighborIndex::new(x.view(), &()).unwrap();
        let batch = index.nearest_batch(x.view(), k, &()).unwrap();
        for (row, found) in batch.iter().enumerate() {
            prop_assert_eq!(rows_of(found), by_sorting(&x, x.row(row), k));
        }
        prop_assert_eq!(&index.nearest(x.row(0), k).unwrap(), &batch[0]);
    }
}
