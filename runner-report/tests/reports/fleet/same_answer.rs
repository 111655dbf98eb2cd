//! Journals that were copied, rotated, joined or read quickly give the same answer.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use proptest::{collection::vec, prelude::*, sample::Index};
use runner_report::{FleetCollector, Record};

use crate::{
    fleet::{Machine, answer, now},
    glance::{change, changed, line},
};

const NAMES: [&str; 4] = ["web1", "web2", "web3", "web1"];
const BOOTS: [&str; 4] = ["c0", "c1", "c2", "c3"];

/// Lines of a run: host, boot, minute of its start, steps.
fn run() -> impl Strategy<Value = Vec<String>> {
    let step = (1..3_u32, prop::bool::ANY, 0..2_usize);
    let end = prop::sample::select(vec!["finished", "gave-up", "halted", "", "refused"]);
    (0..4_usize, 0..3_usize, 0..100_u32, vec(step, 0..4), end).prop_map(
        |(host, boot, number, steps, end)| {
            let machine = Machine {
                host: NAMES[host],
                machine: ["m1", "m2", "", "m4"][host],
                // Boots come one after the other, and are not shared.
                boot: Box::leak(format!("{}-{}", BOOTS[boot], host).into_boxed_str()),
            };
            let at = |minute: u32| {
                let minute = boot as u32 * 400 + number * 3 + minute;
                format!("2026-11-23T{:02}:{:02}", minute / 60, minute % 60)
            };
            let id = format!("r{host}{boot}{number}");
            if end == "refused" {
                return vec![machine.refused(&at(0), &id, 78)];
            }
            let mut lines = vec![machine.start_at_tick(&at(0), &id, u64::from(number))];
            for (try_num, is_ok, task) in steps {
                let end = if is_ok {
                    ["OK", "exited:0"]
                } else {
                    ["RETRY", "exited:3"]
                };
                lines.push(machine.task(&at(1), &id, ["1-a", "2-b"][task], try_num, end));
            }
            if !end.is_empty() {
                lines.push(machine.end(&at(2), &id, 1, end, Some("1-a")));
            }
            lines
        },
    )
}

/// Runs with one id once, in the order of time.
fn runs() -> impl Strategy<Value = Vec<Vec<String>>> {
    vec(run(), 1..12).prop_map(|mut runs| {
        let id = |lines: &Vec<String>| lines[0].split("\"run\":").nth(1).unwrap()[..8].to_owned();
        runs.sort_by_key(|lines| (lines[0][..32].to_owned(), id(lines)));
        runs.dedup_by_key(|lines| id(lines));
        // A task ends once in a try.
        for lines in &mut runs {
            let mut seen = HashSet::new();
            lines.retain(|line| seen.insert(line.split("\"result\"").next().unwrap().to_owned()));
        }
        runs
    })
}

proptest! {
    #[test]
    fn lines_are_the_same_in_any_files_and_order_and_number(
        runs in runs(),
        shuffled in any::<Index>(),
        seed in vec(any::<Index>(), 80),
        cut in any::<Index>(),
    ) {
        let lines: Vec<String> = runs.concat();
        let stream = lines.concat();
        let expected = answer(&[("-", &stream)]);
        prop_assert!(!expected.hosts.is_empty());
        // One file for each host.
        let mut files: Vec<(&str, String)> = NAMES[..3].iter().map(|name| (*name, String::new())).collect();
        for line in &runs {
            let text = line.concat();
            let index = NAMES.iter().position(|name| text.contains(&format!("\"host\":\"{name}\""))).unwrap();
            files[index].1 += &text;
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(at, text)| (*at, &**text)).collect();
        prop_assert_eq!(&answer(&files), &expected);
        // Rotated anywhere, read in both orders, or twice.
        let (old, new) = lines.split_at(cut.index(lines.len()));
        let (old, new) = (old.concat(), new.concat());
        prop_assert_eq!(&answer(&[("-", &old), ("-", &new)]), &expected);
        prop_assert_eq!(&answer(&[("-", &new), ("-", &old)]), &expected);
        prop_assert_eq!(&answer(&[("-", &old), ("-", &stream), ("-", &new)]), &expected);
        // Any order of the lines of all boots, in three files. Those of one boot keep their order.
        let mut order = lines.clone();
        for (at, with) in seed.iter().enumerate() {
            let at = at % order.len();
            let with = with.index(order.len());
            order.swap(at, with);
        }
        let boot = |line: &str| line.split("\"boot\":").nth(1).unwrap()[..6].to_owned();
        let mut boots: HashMap<String, VecDeque<String>> = HashMap::new();
        for line in &lines {
            boots.entry(boot(line)).or_default().push_back(line.clone());
        }
        for line in &mut order {
            *line = boots.get_mut(&boot(line)).unwrap().pop_front().unwrap();
        }
        let third = shuffled.index(order.len());
        let mixed = [&order[..third / 2], &order[third / 2..third], &order[third..]].map(<[String]>::concat);
        let mut mixed = mixed.each_ref().map(|text| ("-", &**text));
        prop_assert_eq!(&answer(&mixed), &expected);
        mixed.reverse();
        prop_assert_eq!(&answer(&mixed), &expected);
    }

    #[test]
    fn a_line_that_is_not_parsed_gives_the_same_answer(
        runs in runs(),
        others in vec(line(), 0..8),
        changes in vec((any::<Index>(), change()), 0..6),
    ) {
        let mut lines: Vec<String> = runs.concat();
        for (index, change) in changes {
            let index = index.index(lines.len());
            lines[index] = changed(&lines[index], &[change]);
        }
        lines.extend(others);
        let text = lines.concat();
        let [mut quick, mut parsed] = [(); 2].map(|()| FleetCollector::new(now()));
        for line in text.split_inclusive('\n') {
            let is_record = quick.add_line(line);
            let record = Record::parse(line);
            prop_assert_eq!(is_record, record.is_ok());
            record.iter().for_each(|record| parsed.apply(record));
        }
        let within = Some(Duration::from_secs(3600 * 12));
        prop_assert_eq!(quick.finish(&[], within), parsed.finish(&[], within));
    }
}
