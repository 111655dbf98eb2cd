//! Ids of runs: form and order.

use jiff::Timestamp;
use proptest::prelude::*;
use runner_exec::RunId;

#[test]
fn an_id_is_the_time_and_a_random_number() {
    let start: Timestamp = "2026-11-24T06:55:04.123987Z".parse().unwrap();
    for (random, number) in [(0.0, "00000000"), (0.5, "80000000"), (1.0, "ffffffff")] {
        let id = RunId::new(start, random).to_string();
        assert_eq!(id, format!("20261124T065504.123Z-{number}"));
    }
}

#[test]
fn nothing_else_is_taken_for_an_id() {
    for text in [
        "",
        "20261124T065504.123Z-da2e795",
        "20261124T065504.123Z-da2e7952a",
        "20261124T065504.123Z-da2e795g",
        "20261124T065504.123Z_da2e7952",
        "2026112aT065504.123Z-da2e7952",
        "20261124T065504.12éZ-da2e795",
        "precious-work-of-29-characters",
    ] {
        assert_eq!(RunId::parse(text), None, "{text}");
    }
}

#[test]
fn an_id_can_have_a_start_that_is_not_a_date() {
    let id = RunId::parse("20261399T065504.123Z-da2e7952").unwrap();
    assert_eq!(id.start(), None);
}

proptest! {
    #[test]
    fn ids_are_read_back_and_in_the_order_of_the_starts(
        starts in prop::array::uniform2(0..253_402_207_200_000_i64),
        random in prop::array::uniform2(0.0..=1.0),
    ) {
        let [a, b] = [0, 1].map(|index| {
            let start = Timestamp::from_millisecond(starts[index]).unwrap();
            RunId::new(start, random[index])
        });
        prop_assert_eq!(RunId::parse(a.as_str()), Some(a.clone()));
        prop_assert_eq!(a.start().map(|start| start.as_millisecond()), Some(starts[0]));
        if starts[0] != starts[1] {
            prop_assert_eq!(a < b, starts[0] < starts[1]);
        }
    }
}
