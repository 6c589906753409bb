//! How long 64 components take until they are ready, and what they cost in memory while idle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::time::Duration;

use souffleur_actors::KernelSettings;

mod busy;

/// Resident memory of this process in MB; `None` where the system does not tell.
fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut times = Vec::new();
    for _ in 0..7 {
        let before = busy::now();
        let handle = busy::start(64, KernelSettings::default(), None);
        while !handle.is_ready() {
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(before.elapsed());
        if times.len() == 7 {
            std::thread::sleep(Duration::from_secs(2));
            println!("resident memory, 64 idle components: {:.1} MB (limit 100)", resident_mb().unwrap_or(f64::NAN));
        }
        let report = runtime.block_on(handle.shutdown());
        assert!(report.clean, "{report:?}");
    }
    times.sort();
    println!("64 components ready: median {:?}, slowest {:?} (limit 250 ms)", times[3], times[6]);
}
