//! Runs the workloads of the benches in this process, with only a fraction of the work.

use compare::bench::run::{Plan, Row};
use compare::bench::{Contestant, Setting, WORKLOADS, server};

#[test]
fn every_workload_does_the_same_work_on_every_contestant() {
    let setting = Setting { threads: None, server: server::start().unwrap(), is_small: true };
    // Leave out the memory workloads, because other tests in this process use memory, too.
    for workload in WORKLOADS.iter().filter(|workload| !workload.name.starts_with("memory")) {
        let samples = Contestant::ALL.map(|contestant| workload.of(contestant).map(|w| w(setting)));
        let samples: Vec<_> = samples.into_iter().flatten().collect();
        let has_control = !workload.control.is_empty();
        assert_eq!(samples.len(), 3 + usize::from(has_control), "{}", workload.name);
        for sample in &samples {
            assert_eq!(sample.checksum, samples[0].checksum, "{}", workload.name);
            assert!(sample.metrics.keys().eq(samples[0].metrics.keys()), "{}", workload.name);
            assert!(sample.metrics.values().all(|value| value.is_finite() && *value >= 0.0));
        }
    }
}

#[test]
fn a_runtime_with_a_different_default_number_of_threads_is_also_measured_with_its_default() {
    let titles = |threads, with_defaults| {
        let plan = Plan { threads, with_defaults, samples: 1, seed: 1 };
        let workloads: Vec<_> = WORKLOADS.iter().filter(|w| w.name == "yield").collect();
        let rows = plan.rows(&workloads, 2);
        rows.iter().map(Row::title).collect::<Vec<_>>()
    };
    let equal = ["tokio", "async-std", "smol", "threads"];
    assert_eq!(titles(2, false), equal);
    assert_eq!(titles(2, true), ["tokio", "async-std", "smol", "smol, 1 thread", "threads"]);
    let others = ["tokio", "tokio, 2 threads", "async-std", "async-std, 2 threads"];
    assert_eq!(titles(1, true), [&others[..], &["smol", "threads"]].concat());
}
