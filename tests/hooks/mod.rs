//! Hooks: their JSON, their environment, their start, and that they do not change the run.

mod environment;
mod json;
mod no_influence;
mod recipes;
mod run_hook;
mod start;

use std::time::Duration;

use serde_json::Value;

const SOON: Duration = Duration::from_secs(10);

fn written_anew(line: &str) -> String {
    let read: Value = serde_json::from_str(line).unwrap();
    let (task, result) = (&read["task"], &read["result"]);
    assert!(task.is_string(), "{line}");
    let try_num = read["try_num"].as_u64().unwrap();
    let max_retries = read["max_retries"].as_u64().unwrap();
    let result = match result.as_str() {
        Some(result) => format!(r#","result":"{result}""#),
        None => String::new(),
    };
    format!(r#"{{"task":{task},"try_num":{try_num},"max_retries":{max_retries}{result}}}"#)
}
