//! `certify`: every claim measured, every miss seen in the exit code.

use crate::process::run;

#[test]
fn the_certificate_has_a_row_for_each_bar() {
    let ran = run(["certify", "failure_analyzer", "--seeds", "2", "--json"]).succeeded();
    let rows = ran.json();
    let shown = run(["components", "show", "failure_analyzer", "--json"]).succeeded().json();
    let (rows, bars) = (rows.as_array().unwrap(), shown["bars"].as_array().unwrap());
    assert_eq!(rows.len(), bars.len());
    for (row, bar) in rows.iter().zip(bars) {
        assert_eq!(row["component"], "failure_analyzer");
        assert_eq!(row["metric"], bar["metric"]);
        assert_eq!(row["bar"], bar["value"]);
        assert_eq!(row["seeds"], 2);
        assert_eq!(row["passed"], true, "{row}");
        assert!(row["value"].is_f64(), "{row}");
    }
}

#[test]
fn the_same_seeds_give_the_same_figures() {
    let figures = || run(["certify", "failure_analyzer", "--seeds", "1", "--json"]).succeeded().out;
    assert_eq!(figures(), figures());
}
