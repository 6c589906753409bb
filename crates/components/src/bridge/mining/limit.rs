//! How often patterns must occur for memory to hold all of them.

/// What the support is multiplied with where there are too many.
const MORE: f64 = 1.25;

/// Looks for what has at least this support, and for what has more as long as there are more than can be kept: `run` says
/// whether it found all. Returns the support that did, and what it found.
///
/// # Errors
/// Those of `run`.
pub(crate) fn raised<T, E>(
    support: f64,
    highest: f64,
    mut run: impl FnMut(f64) -> Result<(bool, Vec<T>), E>,
) -> Result<(f64, Vec<T>), E> {
    let mut support = support.min(highest);
    loop {
        let (complete, found) = run(support)?;
        if complete || support >= highest {
            return Ok((support, found));
        }
        support = (support * MORE).min(highest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_support_is_raised_until_all_is_kept() {
        let run = |support: f64| Ok::<_, ()>((support > 0.07, vec![support]));
        let (support, found) = raised(0.05, 1.0, run).unwrap();
        assert!(support > 0.07 && support < 0.08 && found == [support]);
        assert_eq!(raised(0.05, 1.0, |_| Ok::<_, ()>((false, vec![0]))), Ok((1.0, vec![0])));
        assert_eq!(raised(0.05, 1.0, |_| Err::<(bool, Vec<()>), _>("stop")), Err("stop"));
    }
}
