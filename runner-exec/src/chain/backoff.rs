//! The wait before the next try.

use std::time::Duration;

use runner_config::TaskSettings;

/// Returns the wait after try `try_num` failed:
/// `(sleep_time + random * retry_jitter) * retry_backoff^(try_num - 1)`, at most
/// `max_sleep`; without `retry_jitter`, it is `sleep_time`. `random` is from 0 to 1. Saturates at
/// [`Duration::MAX`].
pub fn delay(settings: &TaskSettings, try_num: u32, random: f64) -> Duration {
    let max_jitter = settings.retry_jitter.unwrap_or(settings.sleep_time);
    let base = (settings.sleep_time).saturating_add(scale(max_jitter, random));
    // `powi` and not `powf`, which would be the only use of libm in the program.
    let exponent = i32::try_from(try_num.saturating_sub(1)).unwrap_or(i32::MAX);
    let factor = settings.retry_backoff.powi(exponent);
    let delay = scale(base, factor);
    settings.max_sleep.map_or(delay, |max| delay.min(max))
}

fn scale(time: Duration, factor: f64) -> Duration {
    // Infinity times zero would not be a number.
    if time.is_zero() || factor == 1.0 {
        return time;
    }
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
