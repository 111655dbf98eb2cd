//! How long to wait before the next try.

use std::time::Duration;

use runner_config::TaskSettings;

/// The wait after try `try_num` failed:
/// `(sleep_time + draw * retry_jitter) * retry_backoff^(try_num - 1)`, at most
/// `max_sleep`. `draw` is from 0 to 1; what is too long for a [`Duration`] is
/// [`Duration::MAX`].
pub fn wait(settings: &TaskSettings, try_num: u32, draw: f64) -> Duration {
    let jitter = scale(settings.retry_jitter, draw);
    let base = settings.sleep_time.saturating_add(jitter);
    let factor = settings
        .retry_backoff
        .powf(f64::from(try_num.saturating_sub(1)));
    let wait = scale(base, factor);
    settings.max_sleep.map_or(wait, |most| wait.min(most))
}

fn scale(time: Duration, factor: f64) -> Duration {
    if time.is_zero() {
        // Infinity times nothing is nothing here.
        return time;
    }
    if factor == 1.0 {
        return time;
    }
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
