//! How long to wait before the next try.

use std::time::Duration;

use runner_config::TaskSettings;

/// The wait after try `try_num` failed:
/// `(sleep_time + draw * retry_jitter) * retry_backoff^(try_num - 1)`, at most
/// `max_sleep`. `draw` is from 0 to 1; what is too long for a [`Duration`] is
/// [`Duration::MAX`].
pub fn wait(settings: &TaskSettings, try_num: u32, draw: f64) -> Duration {
    let jitter = settings.retry_jitter.unwrap_or(settings.sleep_time);
    let jitter = scale(jitter, draw);
    let base = settings.sleep_time.saturating_add(jitter);
    // `powi` and not `powf`, which would be the only use of libm in the program.
    let exponent = i32::try_from(try_num.saturating_sub(1)).unwrap_or(i32::MAX);
    let factor = settings.retry_backoff.powi(exponent);
    let wait = scale(base, factor);
    settings.max_sleep.map_or(wait, |most| wait.min(most))
}

fn scale(time: Duration, factor: f64) -> Duration {
    // Infinity times nothing is nothing here.
    if time.is_zero() || factor == 1.0 {
        return time;
    }
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
