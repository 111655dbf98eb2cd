//! The wait before a retry: formula and bounds.

use std::time::Duration;

use proptest::prelude::*;
use runner_config::{Document, Problems, Settings, TaskSettings};
use runner_exec::delay;

fn settings(sleep: f64, jitter: f64, backoff: f64, max: Option<f64>) -> TaskSettings {
    let settings = Settings::new(Document::default(), &[], &mut Problems::default());
    TaskSettings {
        sleep_time: Duration::from_secs_f64(sleep),
        retry_jitter: Some(Duration::from_secs_f64(jitter)),
        retry_backoff: backoff,
        max_sleep: max.map(Duration::from_secs_f64),
        ..settings.task
    }
}

#[test]
fn without_a_jitter_of_its_own_a_wait_is_up_to_twice_as_long() {
    let settings = TaskSettings {
        retry_jitter: None,
        ..settings(4.0, 0.0, 1.0, None)
    };
    for (draw, expected) in [(0.0, 4), (0.5, 6), (1.0, 8)] {
        assert_eq!(delay(&settings, 1, draw), Duration::from_secs(expected));
    }
}

#[test]
fn waits_follow_the_formula() {
    for (sleep, jitter, backoff, max, try_num, draw, expected) in [
        (1.0, 30.0, 1.0, None, 1, 0.0, 1.0),
        (1.0, 30.0, 1.0, None, 9, 1.0, 31.0),
        (1.0, 2.0, 2.0, None, 1, 0.5, 2.0),
        (1.0, 2.0, 2.0, None, 4, 0.5, 16.0),
        (1.0, 2.0, 2.0, Some(10.0), 4, 0.5, 10.0),
        (4.0, 0.0, 0.5, None, 3, 0.5, 1.0),
        (4.0, 0.0, 0.0, None, 1, 0.5, 4.0),
        (4.0, 0.0, 0.0, None, 2, 0.5, 0.0),
        (0.0, 0.0, 9.0, None, u32::MAX, 0.5, 0.0),
        (1.0, 0.0, 9.0, Some(60.0), u32::MAX, 0.5, 60.0),
    ] {
        let settings = settings(sleep, jitter, backoff, max);
        let expected = Duration::from_secs_f64(expected);
        assert_eq!(delay(&settings, try_num, draw), expected, "{settings:?}");
    }
}

#[test]
fn huge_waits_saturate() {
    assert_eq!(
        delay(&settings(1.0, 0.0, 9.0, None), u32::MAX, 0.0),
        Duration::MAX
    );
    let longest = TaskSettings {
        sleep_time: Duration::MAX,
        ..settings(0.0, 30.0, 1.0, None)
    };
    assert_eq!(delay(&longest, 1, 1.0), Duration::MAX);
}

proptest! {
    #[test]
    fn a_wait_is_between_its_bounds(
        sleep in 0.0..1e9, jitter in 0.0..1e9, backoff in 0.0..1e3, max in 0.001..1e9,
        try_num in 1..u32::MAX, draw in 0.0..=1.0,
    ) {
        let unbounded = settings(sleep, jitter, backoff, None);
        let bounded = settings(sleep, jitter, backoff, Some(max));
        prop_assert!(delay(&bounded, try_num, draw) <= Duration::from_secs_f64(max));
        prop_assert!(delay(&unbounded, try_num, 0.0) <= delay(&unbounded, try_num, draw));
        prop_assert!(delay(&unbounded, try_num, draw) <= delay(&unbounded, try_num, 1.0));
    }
}
